/** `<visavis-avatar>` as a React component: properties go down as attributes, events come up as callbacks. */
import { useEffect, useImperativeHandle, useRef, type CSSProperties, type HTMLAttributes, type Ref } from 'react';
import type { SessionState, Spoken, Speech } from 'visavis/client';
import type { VisavisAvatarElement } from 'visavis/client/element';
import 'visavis/client/element';

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'visavis-avatar': HTMLAttributes<VisavisAvatarElement> & {
        ref?: Ref<VisavisAvatarElement>;
        server?: string;
        voice?: string;
        avatar?: string;
        speed?: number;
      };
    }
  }
}

/** What a parent can ask of it. */
export interface TalkingAvatarHandle {
  say(text: string | AsyncIterable<string>, signal?: AbortSignal): Speech;
  stop(): void;
}

export interface TalkingAvatarProps {
  server: string;
  voice?: string;
  avatar?: string;
  speed?: number;
  style?: CSSProperties;
  ref?: Ref<TalkingAvatarHandle>;
  onState?: (state: SessionState) => void;
  onFinished?: (spoken: Spoken) => void;
}

export const TalkingAvatar = ({ ref, onState, onFinished, ...attributes }: TalkingAvatarProps) => {
  const element = useRef<VisavisAvatarElement>(null);

  useImperativeHandle(ref, () => ({
    say: (text, signal) => element.current!.say(text, signal ? { signal } : {}),
    stop: () => element.current?.interrupt(),
  }));

  useEffect(() => {
    const listening = new AbortController();
    const { signal } = listening;
    element.current?.addEventListener('state', ({ detail }) => onState?.(detail), { signal });
    element.current?.addEventListener('utterance.finished', ({ detail }) => onFinished?.(detail), { signal });
    return () => listening.abort();
  }, [onState, onFinished]);

  return <visavis-avatar ref={element} {...attributes} />;
};
