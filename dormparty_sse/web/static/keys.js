/** Single-key shortcuts: a key presses the visible button that names it in `data-key`. They can be turned off. */

const STORED = 'dormparty-keys';

/** Listens for shortcuts. @param {HTMLInputElement} checkbox turns them on and off, and is remembered */
export function useKeys(checkbox) {
  checkbox.checked = recall() !== 'off';
  checkbox.addEventListener('change', () => remember(checkbox.checked ? 'on' : 'off'));
  addEventListener('keydown', (event) => {
    if (checkbox.checked && isPlain(event) && !document.querySelector('dialog[open]')) press(event);
  });
}

function isPlain(event) {
  return !(event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented);
}

function press(event) {
  const buttons = [...document.querySelectorAll('[data-key]')];
  const button = buttons.find(({ dataset, offsetParent }) => offsetParent && dataset.key === event.key.toLowerCase());
  if (!button) return;
  event.preventDefault();
  button.click();
}

/** Storage may be forbidden; shortcuts then start turned on. */
function recall() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function remember(value) {
  try {
    localStorage.setItem(STORED, value);
  } catch {
    // Forgotten with the page.
  }
}
