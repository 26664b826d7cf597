/** What a page lives through that matters to a connection. Where there is no page, nothing of it happens. */

/**
 * @param {{online: () => void, visible: () => void, hide: () => void, restore: () => void}} on `hide`: the page is
 *   left, perhaps for good; `restore`: it was not, and comes out of the browser's cache
 * @returns {() => void} stops watching
 */
export function watchPage(on) {
  if (typeof document === 'undefined') return () => {};
  const watch = new AbortController();
  const listen = (target, type, listener) => target.addEventListener(type, listener, { signal: watch.signal });
  listen(window, 'online', on.online);
  listen(window, 'pagehide', on.hide);
  listen(window, 'pageshow', ({ persisted }) => persisted && on.restore());
  listen(document, 'visibilitychange', () => document.visibilityState === 'visible' && on.visible());
  return () => watch.abort();
}
