import { StrictMode, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import type { SessionState } from 'visavis/client';
import { TalkingAvatar, type TalkingAvatarHandle } from './TalkingAvatar';

const SERVER = 'http://127.0.0.1:8080';

const App = () => {
  const avatar = useRef<TalkingAvatarHandle>(null);
  const [state, setState] = useState<SessionState['name']>('connecting');
  const [said, setSaid] = useState('');
  return (
    <main>
      <TalkingAvatar
        ref={avatar}
        server={SERVER}
        style={{ width: 320, borderRadius: 16 }}
        onState={({ name }) => setState(name)}
        onFinished={({ spokenText }) => setSaid(spokenText)}
      />
      <form action={(form) => void avatar.current?.say(String(form.get('text')))}>
        <input name="text" defaultValue="Hello from React." size={40} />
        <button disabled={state !== 'open'}>Say it</button>
        <button type="button" onClick={() => avatar.current?.stop()}>
          Stop
        </button>
      </form>
      <p id="said">{said}</p>
    </main>
  );
};

createRoot(document.getElementById('app')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
