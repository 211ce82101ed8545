/** Control by hand: sliders for expression, head and gaze, and buttons for gestures. */
import type { Gesture, MotionWish } from '../library/messages.ts';
import type { Texts } from './texts/en.ts';

/** Values of the sliders, by name. */
export type FaceValues = Readonly<Record<string, number>>;

interface Slider {
  readonly name: string;
  readonly label: keyof Texts;
  readonly min: number;
  readonly max: number;
}

const SLIDERS: readonly Slider[] = [
  { name: 'smile', label: 'faceSmile', min: 0, max: 1 },
  { name: 'brows', label: 'faceBrows', min: -1, max: 1 },
  { name: 'eyes', label: 'faceEyes', min: -1, max: 1 },
  { name: 'gazeX', label: 'faceGazeX', min: -1, max: 1 },
  { name: 'gazeY', label: 'faceGazeY', min: -1, max: 1 },
  { name: 'yaw', label: 'faceYaw', min: -20, max: 20 },
  { name: 'pitch', label: 'facePitch', min: -15, max: 15 },
  { name: 'roll', label: 'faceRoll', min: -15, max: 15 },
];

const GESTURES: readonly { readonly name: Gesture; readonly label: keyof Texts }[] = [
  { name: 'smile', label: 'gestureSmile' },
  { name: 'nod', label: 'gestureNod' },
  { name: 'think', label: 'gestureThink' },
  { name: 'surprise', label: 'gestureSurprise' },
];

const BLEND_MS = 120;

/** What the sliders ask of the face. A slider at 0 leaves its part to the face's own movement. */
export const wishOf = (values: FaceValues): MotionWish => {
  const value = (name: string): number => values[name] ?? 0;
  const expression = Object.fromEntries(
    Object.entries({
      mouthSmile: value('smile'),
      cheekSquint: value('smile') / 2,
      browInnerUp: Math.max(0, value('brows')),
      browOuterUp: Math.max(0, value('brows')),
      browDown: Math.max(0, -value('brows')),
      eyeWide: Math.max(0, value('eyes')),
      eyeSquint: Math.max(0, -value('eyes')),
    }).filter(([, weight]) => weight > 0),
  );
  const looks = value('gazeX') !== 0 || value('gazeY') !== 0;
  return {
    blendMs: BLEND_MS,
    expression,
    rotation: { yaw: value('yaw'), pitch: value('pitch'), roll: value('roll') },
    ...(looks && { gaze: { x: value('gazeX'), y: value('gazeY') } }),
  };
};

/** Fills the panel; `wish` takes what is asked for. */
export const createFacePanel = (
  parts: { readonly gestures: HTMLElement; readonly sliders: HTMLElement; readonly rest: HTMLButtonElement },
  wish: (wish: MotionWish) => void,
): void => {
  for (const { name, label } of GESTURES) {
    const button = Object.assign(document.createElement('button'), { type: 'button', className: 'gesture' });
    button.dataset['text'] = label;
    button.dataset['gesture'] = name;
    button.addEventListener('click', () => wish({ gesture: name }));
    parts.gestures.append(button);
  }
  const inputs = SLIDERS.map(({ name, label, min, max }) => {
    const field = Object.assign(document.createElement('label'), { className: 'field' });
    const words = document.createElement('span');
    words.dataset['text'] = label;
    const input = Object.assign(document.createElement('input'), { type: 'range', name });
    input.min = String(min);
    input.max = String(max);
    input.step = String((max - min) / 40);
    input.value = '0';
    field.append(words, input);
    parts.sliders.append(field);
    return input;
  });
  const ask = (): void => wish(wishOf(Object.fromEntries(inputs.map(({ name, value }) => [name, Number(value)]))));
  for (const input of inputs) {
    input.addEventListener('input', ask);
    // Twice a click puts a slider back, as in other programs.
    input.addEventListener('dblclick', () => {
      input.value = '0';
      ask();
    });
  }
  parts.rest.addEventListener('click', () => {
    for (const input of inputs) input.value = '0';
    ask();
  });
};
