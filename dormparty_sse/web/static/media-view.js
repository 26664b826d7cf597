/** One's own picture, the buttons for camera and microphone, and what is wrong with them. */

import { announce, showText } from './screens.js';
import { mediaWords } from './words.js';

const NAMES = { camera: 'Camera', microphone: 'Microphone' };

/** Keeps the page in step with the devices. @param {import('./media.js').LocalMedia} media */
export function showMedia(media) {
  const buttons = document.querySelectorAll('[data-toggle]');
  for (const button of buttons) button.addEventListener('click', () => media.toggle(button.dataset.toggle));
  let said = '';
  const draw = () => {
    for (const button of buttons) drawButton(button, media.isOn(button.dataset.toggle));
    for (const id of ['local-video', 'preview-video']) drawPicture(document.getElementById(id), media.camera);
    const trouble = mediaWords(media);
    for (const place of document.querySelectorAll('[data-media-problem]')) showText(place, trouble);
    if (trouble && trouble !== said) announce(trouble);
    said = trouble;
  };
  media.addEventListener('change', draw);
  draw();
}

function drawButton(button, on) {
  const name = NAMES[button.dataset.toggle];
  button.setAttribute('aria-label', name);
  button.setAttribute('aria-pressed', String(on));
  button.setAttribute('aria-keyshortcuts', button.dataset.key);
  button.title = `Turn ${name.toLowerCase()} ${on ? 'off' : 'on'} (${button.dataset.key.toUpperCase()})`;
}

function drawPicture(video, track) {
  video.hidden = track === null;
  const [shown] = video.srcObject?.getTracks() ?? [];
  if (shown !== (track ?? undefined)) video.srcObject = track && new MediaStream([track]);
}
