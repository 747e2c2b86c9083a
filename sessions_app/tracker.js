/* Footfall: page views and events of a shop. <script defer src="https://shop.example/tracker.js"></script> */
(function (w, d, n) {
  try {
    var me = d.currentScript, api = new URL(me ? me.src : '/', w.location.href).origin + '/api/v1/analytics/track';
    var queue = [], timer, last, wait = 1000;
    var send = function (leaving) {
      clearTimeout(timer); timer = 0;
      if (!queue.length) return;
      var events = queue.splice(0, 100), body = JSON.stringify({ events: events });
      var again = function () {
        queue = events.concat(queue).slice(-500);
        wait = Math.min(wait * 2, 60000); timer = timer || setTimeout(send, wait);
      };
      if (leaving && n.sendBeacon && n.sendBeacon(api, body)) return;
      fetch(api, { method: 'POST', body: body, keepalive: true, credentials: 'include', headers: { 'Content-Type': 'text/plain' } })
        .then(function (r) { r.status > 499 || r.status == 429 ? again() : (wait = 1000); }, again);
    };
    var track = function (type, more) {
      try {
        var id = w.crypto && crypto.randomUUID ? crypto.randomUUID() : undefined;
        var event = { eventId: id, eventType: type, page: location.pathname + location.search, timestamp: new Date().toISOString() };
        for (var k in more || {}) event[k] = more[k];
        queue.push(event);
        timer = timer || setTimeout(send, 300);
      } catch (e) { /* never the shop's problem */ }
    };
    var view = function () {
      var page = location.pathname + location.search;
      if (page === last) return;
      track('page_view', { title: d.title, referrer: last ? undefined : d.referrer || undefined });
      last = page;
    };
    ['pushState', 'replaceState'].forEach(function (name) {
      var old = history[name];
      history[name] = function () { var r = old.apply(this, arguments); view(); return r; };
    });
    w.addEventListener('popstate', view);
    w.addEventListener('pagehide', function () { send(1); });
    d.addEventListener('visibilitychange', function () { d.visibilityState == 'hidden' && send(1); });
    w.footfall = { track: track };
    view();
  } catch (e) { /* never the shop's problem */ }
})(window, document, navigator);
