// A bot that one types to and that answers out loud, without a browser (Node 20 or newer). A line that comes while it speaks stops it.
// Its sound goes to standard output, 16-bit PCM at 16 kHz:
//   node client/examples/voice-bot.mjs | aplay -f S16_LE -r 16000
// CHAT_URL and CHAT_MODEL name an OpenAI-compatible API (Ollama: http://127.0.0.1:11434/v1); without them it repeats what it is told.
// Elsewhere than in this repository: `npm install visavis ws`. Node 22 and newer need no `ws`.
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { connect } from 'visavis/client';

const { VISAVIS_URL: url = 'http://127.0.0.1:8080', CHAT_URL, CHAT_MODEL } = process.env;
const messages = [{ role: 'system', content: 'You are heard, not read. Answer in one or two short sentences.' }];

/** The answer's tokens, as they come. */
async function* answer(text, signal) {
  messages.push({ role: 'user', content: text });
  if (!CHAT_URL) return yield `You said: ${text}`;
  const response = await fetch(`${CHAT_URL}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: CHAT_MODEL, messages, stream: true }),
    signal,
  });
  if (!response.ok) throw new Error(`${response.status} of ${CHAT_URL}`);
  let rest = '';
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue;
      yield JSON.parse(line.slice(6)).choices[0]?.delta.content ?? '';
    }
  }
}

// leadMs 0: no sound is sent ahead, so that what was stopped is silent at once.
const session = await connect({
  url,
  WebSocket,
  media: { audio: { codec: 'pcm_s16le', sampleRateHz: 16000 }, leadMs: 0 },
});
session.on('sound', ({ payload }) => process.stdout.write(payload));

/** Says an answer to its end, or until it is stopped. */
const speak = async (line, signal) => {
  try {
    const { reason, spokenText } = await session.say(answer(line, signal), { signal }).finished;
    // The model shall know what was heard, not what it wrote.
    messages.push({ role: 'assistant', content: spokenText });
    console.error(`${reason}: ${spokenText}`);
  } catch (error) {
    console.error(error.message);
  }
};

let speaking = new AbortController();
const spoken = [];
for await (const line of createInterface({ input: process.stdin })) {
  speaking.abort();
  speaking = new AbortController();
  spoken.push(speak(line, speaking.signal));
}
await Promise.all(spoken);
session.close();
