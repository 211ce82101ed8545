/** The text box with its buttons and examples. */

/** What the composer asks for. */
export interface Speaker {
  /** Say a whole text. @returns false when that is not possible now. */
  say(text: string): boolean;
  /** More words of the text that is being typed. @returns false when that is not possible now. */
  append(text: string): boolean;
  /** That text is complete. */
  end(): void;
  /** Silence. */
  stop(): void;
}

export interface ComposerElements {
  readonly form: HTMLFormElement;
  readonly text: HTMLTextAreaElement;
  readonly live: HTMLInputElement;
  readonly stop: HTMLButtonElement;
  readonly chips: HTMLElement;
}

const EXAMPLES = [
  'Hello! It is nice to meet you, face to face.',
  'She sells sea shells by the sea shore, and I can say it without a slip.',
  'How much wood would a woodchuck chuck, if a woodchuck could chuck wood?',
  'Every frame you see is drawn right now, on an ordinary processor.',
  'Once upon a time, in a quiet house by the river, there lived a clock that told stories instead of hours. Every evening the children sat down beside it, and it began.',
];

/** Words a second of an example that comes word by word: about the pace of a language model. */
const WORDS_PER_SECOND = 8;
/** A pause in typing that ends the sentence. */
const PAUSE_MS = 2500;

/** Cuts typed text after the last white space: what is complete, and the word that is still being typed. */
export const completeWords = (typed: string): { readonly complete: string; readonly rest: string } => {
  const end = typed.search(/\S*$/);
  return { complete: typed.slice(0, end), rest: typed.slice(end) };
};

/** A text as pieces of one word, each with its white space, as a language model sends it. */
export const wordPieces = (text: string): string[] => text.match(/\s*\S+\s*$|\s*\S+/g) ?? [];

/** Joins the elements to `speaker`. @returns a function that stops what is being typed or streamed. */
export const createComposer = (
  { form, text, live, stop, chips }: ComposerElements,
  speaker: Speaker,
): { cancel(): void } => {
  let streaming = new AbortController();
  let pause: ReturnType<typeof setTimeout> | undefined;
  let typing = false;

  const endTyping = () => {
    clearTimeout(pause);
    if (typing) speaker.end();
    typing = false;
  };

  const cancel = () => {
    streaming.abort();
    clearTimeout(pause);
    typing = false;
  };

  const sendTyped = (typed: string): boolean => {
    if (!speaker.append(typed)) return false;
    typing = true;
    clearTimeout(pause);
    pause = setTimeout(endTyping, PAUSE_MS);
    return true;
  };

  const stream = async (whole: string) => {
    endTyping();
    streaming.abort();
    streaming = new AbortController();
    const { signal } = streaming;
    for (const piece of wordPieces(whole)) {
      if (signal.aborted) return;
      if (!speaker.append(piece)) return;
      await new Promise((resolve) => {
        setTimeout(resolve, 1000 / WORDS_PER_SECOND);
      });
    }
    if (!signal.aborted) speaker.end();
  };

  const submit = () => {
    const typed = text.value;
    if (typing) {
      if (typed.trim() !== '') speaker.append(typed);
      endTyping();
    } else if (typed.trim() !== '') {
      if (live.checked) void stream(typed);
      else if (!speaker.say(typed)) return;
    }
    text.value = '';
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  text.addEventListener('keydown', (event) => {
    // An input method uses Enter to choose a candidate.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  text.addEventListener('input', (event) => {
    if (!live.checked || (event instanceof InputEvent && event.isComposing)) return;
    const { complete, rest } = completeWords(text.value);
    if (complete !== '' && (typing || complete.trim() !== '') && sendTyped(complete)) text.value = rest;
  });
  live.addEventListener('change', endTyping);
  const silence = () => {
    cancel();
    speaker.stop();
  };
  stop.addEventListener('click', silence);
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !event.isComposing) silence();
  });

  for (const example of EXAMPLES) {
    const item = document.createElement('li');
    const chip = document.createElement('button');
    chip.type = 'button';
    chip.textContent = example;
    chip.title = example;
    chip.addEventListener('click', () => {
      if (live.checked) void stream(example);
      else speaker.say(example);
    });
    item.append(chip);
    chips.append(item);
  }
  return { cancel };
};
