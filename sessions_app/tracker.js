// Footfall. Never an error into the page
if (!window.footfall || !footfall.track) try {
  const { currentScript, title, referrer } = document;
  const { src = '', dataset: { api, hash, session } = {} } = currentScript || {};
  const base = new URL(api || src, location).origin + '/api/v1/';
  const queue = [];
  let last, shown, timer, seen = 0, pause = 500;

  const hidden = () => document.visibilityState == 'hidden';
  const page = () => location.pathname + location.search + (hash == null ? '' : location.hash);

  // Never rejects
  const request = async (leaving, path, method, body, headers) => {
    try {
      return leaving && navigator.onLine && navigator.sendBeacon && navigator.sendBeacon(base + path, body) ?
        new Response() : await fetch(base + path, { method, body, headers, keepalive: true, credentials: 'include' });
    } catch (e) {
      return e;
    }
  };

  const later = ms => {
    queue.splice(500);
    timer = timer || setTimeout(send, ms);
  };

  const send = leaving => {
    timer = clearTimeout(timer);
    if (!queue[0]) return;
    const batch = queue.slice(0, 100);
    // 3 bytes a character, 57 kB
    while (batch.join().length > 19e3) batch.length >>= 1;
    queue.splice(0, batch.length);
    const optOut = navigator.globalPrivacyControl || navigator.doNotTrack == 1 || undefined;
    const body = JSON.stringify({ session, optOut, events: 0 }).slice(0, -2) + `[${batch}]}`;
    request(leaving, 'analytics/track', 'POST', body).then(({ status }) => {
      if (status < 500 && status != 429) {
        pause = 500;
        send();
      } else {
        queue.unshift(...batch);
        later(Math.min(pause *= 2, 6e4));
      }
    });
    leaving && send(leaving);
  };

  const track = (eventType, more) => {
    try {
      const eventId = window.crypto && (crypto.randomUUID ? crypto.randomUUID() :
        crypto.getRandomValues(new Uint8Array(32)).map(byte => byte % 10).join(''));
      const text = JSON.stringify({ eventId, eventType, page: page(), timestamp: new Date(), ...more });
      if (text.length < 19e3) queue.push(text);
      later(300);
    } catch (e) {}
  };

  const engage = () => {
    const now = performance.now() / 1000;
    if (shown) seen += now - shown;
    shown = hidden() ? 0 : now;
    const seconds = Math.round(seen);
    seen -= seconds;
    if (seconds) track('engagement', { page: last, metadata: { seconds } });
  };

  // Rendered ahead is hidden, too
  const view = () => {
    if (page() == last || hidden()) return;
    engage();
    track('page_view', last == null && { title, referrer });
    last = page();
  };

  for (const name of ['pushState', 'replaceState']) {
    const old = history[name];
    history[name] = (...given) => { old.apply(history, given); view(); };
  }
  addEventListener('popstate', view);
  addEventListener('hashchange', view);
  addEventListener('visibilitychange', () => { engage(); hidden() ? send(1) : view(); });
  addEventListener('pagehide', () => { engage(); send(1); });
  addEventListener('pageshow', event => { if (event.persisted) { shown = last = 0; view(); } });
  addEventListener('online', () => send());

  window.footfall = {
    track,
    consent: analytics => request(0, 'storefront/session/consent', 'PUT', JSON.stringify({ analytics }), {
      'Content-Type': 'application/json', ...(session && { 'X-Visitor-Session': session }),
    }),
  };
  view();
} catch (e) {}
