/** Asks for the server's API key, and keeps it. */
import { keepKey } from './server-key.ts';

export interface KeyForm {
  show(): void;
  hide(): void;
}

export const createKeyForm = (
  form: HTMLFormElement,
  input: HTMLInputElement,
  onKey: (key: string) => void,
): KeyForm => {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (key === '') return;
    keepKey(key);
    onKey(key);
  });
  return {
    show() {
      if (!form.hidden) return;
      form.hidden = false;
      input.focus();
    },
    hide() {
      form.hidden = true;
      input.value = '';
    },
  };
};
