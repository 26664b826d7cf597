/**
 * What this tab's page was in when it went: the page that comes next in the tab, or the same one taken out of
 * the browser's cache, says that it is over.
 */

const STORED = 'dormparty-left';
/** A farewell that was sent longer ago has arrived, or never will. */
const ON_ITS_WAY_MS = 10_000;

/** @param {'waiting'|'call'} from the screen that was shown */
export function rememberDeparture(from) {
  try {
    sessionStorage.setItem(STORED, JSON.stringify({ from, at: Date.now() }));
  } catch {
    // Storage may be forbidden; the next page then begins as a first visit does.
  }
}

/** Nothing was left, after all. */
export function forgetDeparture() {
  try {
    sessionStorage.removeItem(STORED);
  } catch {
    // as above
  }
}

/**
 * Tells it once.
 * @returns {{from: 'waiting'|'call', isRecent: boolean}|null} isRecent: the server may not know of it yet
 */
export function recallDeparture() {
  try {
    const stored = JSON.parse(sessionStorage.getItem(STORED));
    sessionStorage.removeItem(STORED);
    return stored && { from: stored.from, isRecent: Date.now() - stored.at < ON_ITS_WAY_MS };
  } catch {
    return null;
  }
}

/** Was this page loaded because somebody reloaded it? */
export function isReload() {
  return performance.getEntriesByType('navigation')[0]?.type === 'reload';
}
