/** The language of the page: what the browser prefers, or what was chosen here. The choice is kept from visit to visit. */
import { en, type Texts } from './texts/en.ts';
import { zhHans } from './texts/zh-hans.ts';

/** By BCP 47 tag, in the order of the menu. */
export const LANGUAGES = { en, 'zh-Hans': zhHans } as const satisfies Readonly<Record<string, Texts>>;
export type Language = keyof typeof LANGUAGES;

const STORED = 'language';

const isLanguage = (tag: string | null): tag is Language => tag !== null && Object.hasOwn(LANGUAGES, tag);

/** The first of the wanted languages that the page has; English if it has none. Every kind of Chinese is read in Simplified. */
export const bestLanguage = (wanted: readonly string[]): Language => {
  for (const tag of wanted) {
    const { language } = new Intl.Locale(tag);
    if (language === 'zh') return 'zh-Hans';
    if (isLanguage(language)) return language;
  }
  return 'en';
};

/** Reads and keeps the choice, and puts the page's fixed texts into it. */
export class PageLanguage {
  #language: Language;

  constructor() {
    const stored = localStorage.getItem(STORED);
    this.#language = isLanguage(stored) ? stored : bestLanguage(navigator.languages);
  }

  get tag(): Language {
    return this.#language;
  }

  get texts(): Texts {
    return LANGUAGES[this.#language];
  }

  choose(language: string): void {
    if (!isLanguage(language)) return;
    this.#language = language;
    localStorage.setItem(STORED, language);
  }

  /** What this page calls a language; null when the page is in that language. */
  nameOf(tag: string): string | null {
    const { language } = new Intl.Locale(tag);
    if (language === new Intl.Locale(this.#language).language) return null;
    return new Intl.DisplayNames(this.#language, { type: 'language' }).of(language) ?? language;
  }

  /**
   * Writes the texts of elements that name them: `data-text`, and `data-text-ATTRIBUTE` for an attribute. Their values are keys of `Texts`.
   */
  write(page: Document): void {
    page.documentElement.lang = this.#language;
    page.title = this.texts.title;
    for (const element of page.querySelectorAll<HTMLElement>(
      '[data-text], [data-text-title], [data-text-aria-label]',
    )) {
      for (const name of element.getAttributeNames().filter((name) => name.startsWith('data-text'))) {
        const text = this.texts[element.getAttribute(name) as keyof Texts];
        if (typeof text !== 'string') continue;
        if (name === 'data-text') element.textContent = text;
        else element.setAttribute(name.slice('data-text-'.length), text);
      }
    }
  }
}
