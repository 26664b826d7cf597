/** Which screen is shown, and what is said above it and to screen readers. */

const TITLES = {
  landing: 'DormParty',
  waiting: 'Looking for someone… · DormParty',
  call: 'In a call · DormParty',
  superseded: 'Open in another tab · DormParty',
  error: 'Out of reach · DormParty',
};

/** Lines kept for screen readers, the oldest first. */
const REMEMBERED = 5;

/** @typedef {'landing'|'waiting'|'call'|'superseded'|'error'} Screen */

const element = (id) => document.getElementById(id);

/** @returns {Screen} */
export function currentScreen() {
  return document.body.dataset.screen;
}

/**
 * Shows a screen. The focus goes to its heading: nothing is pressed by the next Enter, and the
 * next Tab finds the screen's first button.
 * @param {Screen} name
 */
export function showScreen(name) {
  if (name === currentScreen()) return;
  document.body.dataset.screen = name;
  for (const screen of document.querySelectorAll('.screen')) screen.hidden = screen.id !== name;
  document.title = TITLES[name];
  focusScreen();
  scrollTo(0, 0);
}

function focusScreen() {
  element(`${currentScreen()}-title`).focus({ preventScroll: true });
}

/** Should what had the focus be gone, the heading gets it. */
export function keepFocus() {
  if (!document.activeElement?.offsetParent) focusScreen();
}

/** Says what happened above the screen; an empty text takes it away. @param {string} text */
export function showNotice(text) {
  showText(element('notice'), text);
  if (text) announce(text);
}

/** @param {HTMLElement} target @param {string} text hides the element when empty */
export function showText(target, text) {
  if (target.textContent !== text) target.textContent = text;
  target.hidden = !text;
}

/** Says something to screen readers alone; what was said just before is still read to its end. @param {string} text */
export function announce(text) {
  const status = element('status');
  const line = document.createElement('p');
  line.textContent = text;
  status.append(line);
  while (status.childElementCount > REMEMBERED) status.firstElementChild.remove();
}
