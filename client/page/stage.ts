/** The picture: the avatar's element with what lies over it, a glow behind it, and the switch of its sound. */
import type { VisavisAvatarElement } from '../library/element.ts';
import { withKey } from './server-key.ts';
import type { Texts } from './texts/en.ts';

/** What the stage is made of. */
export interface StageElements {
  readonly stage: HTMLElement;
  readonly avatar: VisavisAvatarElement;
  readonly glow: HTMLImageElement;
  readonly sound: HTMLButtonElement;
  readonly soundLabel: HTMLElement;
}

export class Stage {
  readonly #elements: StageElements;
  #texts: Texts;

  constructor(elements: StageElements, texts: Texts) {
    this.#elements = elements;
    this.#texts = texts;
    const { avatar, sound } = elements;
    sound.addEventListener('click', () => {
      if (avatar.soundBlocked) avatar.unblockSound();
      else avatar.muted = !avatar.muted;
    });
    avatar.addEventListener('soundchange', () => this.#showSound());
    avatar.addEventListener('session.opened', ({ detail }) => this.setPortrait(detail.avatar));
    new MutationObserver(() => this.#showState()).observe(avatar, { attributeFilter: ['state'] });
    this.#showState();
    this.#showSound();
  }

  set texts(texts: Texts) {
    this.#texts = texts;
    this.#showSound();
  }

  /** Lights the wall behind the avatar in its colours. */
  setPortrait(name: string): void {
    this.#elements.glow.src = withKey(`/v1/avatars/${encodeURIComponent(name)}/portrait.png`);
  }

  #showState(): void {
    const { stage, avatar } = this.#elements;
    stage.dataset['state'] = avatar.getAttribute('state') ?? 'waiting';
  }

  #showSound(): void {
    const { sound, soundLabel, avatar } = this.#elements;
    sound.toggleAttribute('data-on', !avatar.muted && !avatar.soundBlocked);
    sound.toggleAttribute('data-call', avatar.soundBlocked);
    soundLabel.textContent = avatar.muted || avatar.soundBlocked ? this.#texts.soundOn : this.#texts.soundOff;
  }
}
