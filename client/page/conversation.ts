/** The conversation as bubbles: what the user said, and the answers as they come; of an interrupted one, what was heard. */

/** Bubbles that are kept on the page. */
const MAX_BUBBLES = 200;
/** Whoever has scrolled further up than this is reading there. */
const FOLLOW_WITHIN_PX = 60;

export interface ConversationTexts {
  readonly chatYou: string;
  readonly chatAvatar: string;
}

export class ConversationView {
  readonly #list: HTMLElement;
  readonly #answers = new Map<string, HTMLElement>();
  #texts: ConversationTexts;

  constructor(list: HTMLElement, texts: ConversationTexts) {
    this.#list = list;
    this.#texts = texts;
  }

  /** Names of the speakers, for those who cannot see the sides. */
  set texts(texts: ConversationTexts) {
    this.#texts = texts;
    for (const name of this.#list.querySelectorAll<HTMLElement>('[data-speaker]')) {
      name.textContent = this.#nameOf(name.dataset['speaker'] === 'you');
    }
  }

  /** The user said something; the answer is awaited. */
  asked(utterance: string, text: string): void {
    this.#list.hidden = false;
    this.#add('you', text);
    const answer = this.#add('avatar', '');
    answer.ariaBusy = 'true';
    this.#answers.set(utterance, answer);
  }

  /** More of an answer. */
  answered(utterance: string, text: string): void {
    const isFollowed = this.#isFollowed();
    this.#wordsOf(utterance)?.append(text);
    if (isFollowed) this.#list.scrollTop = this.#list.scrollHeight;
  }

  /** An answer has ended. @param heard - what was heard of it: the rest is taken away. */
  finished(utterance: string, heard: string): void {
    const answer = this.#answers.get(utterance);
    this.#answers.delete(utterance);
    if (!answer) return;
    answer.ariaBusy = 'false';
    const words = answer.querySelector('.words');
    if (heard === '') answer.remove();
    else if (words && words.textContent !== heard) {
      words.textContent = heard.trimEnd();
      answer.classList.add('cut');
    }
  }

  clear(): void {
    this.#answers.clear();
    this.#list.replaceChildren();
    this.#list.hidden = true;
  }

  #wordsOf(utterance: string): Element | null | undefined {
    return this.#answers.get(utterance)?.querySelector('.words');
  }

  #add(speaker: 'you' | 'avatar', text: string): HTMLElement {
    const name = Object.assign(document.createElement('span'), {
      className: 'unseen',
      textContent: this.#nameOf(speaker === 'you'),
    });
    name.dataset['speaker'] = speaker;
    const words = Object.assign(document.createElement('span'), { className: 'words', textContent: text, dir: 'auto' });
    const bubble = Object.assign(document.createElement('li'), { className: speaker });
    bubble.append(name, words);
    this.#list.append(bubble);
    while (this.#list.childElementCount > MAX_BUBBLES) this.#list.firstElementChild?.remove();
    this.#list.scrollTop = this.#list.scrollHeight;
    return bubble;
  }

  #nameOf(isUser: boolean): string {
    return `${isUser ? this.#texts.chatYou : this.#texts.chatAvatar}: `;
  }

  #isFollowed(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    return scrollHeight - scrollTop - clientHeight < FOLLOW_WITHIN_PX;
  }
}
