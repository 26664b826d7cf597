/**
 * What this tab's page was in when it went: the page that comes next in the tab, or the same one taken out of
 * the browser's cache, says that it is over.
 */

const STORED = 'dormparty-left';
/** A farewell that was sent longer ago has arrived, or never will. */
const ON_ITS_WAY_MS = 10_000;

/** The page is about to go, since when. What it still learns before it does is news for nobody. */
let leavingSince = 0;

const isLeaving = () => Date.now() - leavingSince < ON_ITS_WAY_MS;

/**
 * The page is in a call or in line. Should it be reloaded while it is too busy to say so in time, this is known.
 * @param {'waiting'|'call'} screen
 */
export function noteStay(screen) {
  if (!isLeaving()) store({ from: screen });
}

/** The page goes. @param {'waiting'|'call'} screen that was shown */
export function rememberDeparture(screen) {
  if (isLeaving()) return;
  leavingSince = Date.now();
  store({ from: screen, at: leavingSince });
}

/** The page is in nothing that could be left. */
export function forgetDeparture() {
  if (isLeaving()) return;
  try {
    sessionStorage.removeItem(STORED);
  } catch {
    // as below
  }
}

/**
 * Tells it once.
 * @param {boolean} reloaded
 * @returns {{from: 'waiting'|'call', isRecent: boolean}|null} isRecent: the server may not know of it yet
 */
export function recallDeparture(reloaded) {
  leavingSince = 0;
  try {
    const stored = JSON.parse(sessionStorage.getItem(STORED));
    sessionStorage.removeItem(STORED);
    // Of a page that has not said that it goes, this may be a copy, or what is left after a crash.
    if (!stored || !(stored.at || reloaded)) return null;
    return { from: stored.from, isRecent: reloaded || Date.now() - stored.at < ON_ITS_WAY_MS };
  } catch {
    return null;
  }
}

/** Was this page loaded because somebody reloaded it? */
export function isReload() {
  return performance.getEntriesByType('navigation')[0]?.type === 'reload';
}

function store(stay) {
  try {
    sessionStorage.setItem(STORED, JSON.stringify(stay));
  } catch {
    // Storage may be forbidden; the next page then begins as a first visit does.
  }
}
