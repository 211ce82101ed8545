/* global document, requestAnimationFrame, OffscreenCanvas, HTMLMediaElement, performance */
/** Runs in the page: when its first picture and the first movement were seen, ms since the address was entered. */

/** The avatar's video; the page has another one, of the viewer's camera. */
const avatarVideo = () => document.querySelector('visavis-avatar')?.shadowRoot?.querySelector('video');

const nextTurn = () => new Promise((resolve) => requestAnimationFrame(resolve));

/** @param {number} moved - mean change of a pixel (0…255) since the first picture that counts as movement */
globalThis.watchPage = async (moved) => {
  let video = avatarVideo();
  for (; !video; video = avatarVideo()) await nextTurn();
  const context = new OffscreenCanvas(64, 64).getContext('2d', { willReadFrequently: true });
  let first = null;
  for (;;) {
    await nextTurn();
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) continue;
    context.drawImage(video, 0, 0, 64, 64);
    const { data } = context.getImageData(0, 0, 64, 64);
    first ??= { atMs: performance.now(), pixels: data };
    const change = data.reduce((sum, value, i) => sum + Math.abs(value - first.pixels[i]), 0) / data.length;
    if (change > moved) return { pictureMs: first.atMs, aliveMs: performance.now() };
  }
};
