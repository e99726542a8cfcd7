// Keeps a page up to date while something changes: progress is written where it
// stands, and parts marked data-swap are fetched again when something was heard of.
// Without server-sent events it reloads those parts now and then.
'use strict';
(() => {
  const about = document.body.dataset.live;
  const least = 1000, slow = 15000; // milliseconds between two reloads
  let last = 0, timer = 0, source = null;
  const grown = new Map(); // of each run: the rates and latencies so far

  // reload fetches the page again and replaces the parts that may change.
  async function reload() {
    timer = 0;
    last = Date.now();
    const answer = await fetch(location.href, {headers: {Accept: 'text/html'}});
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const part of document.querySelectorAll('[data-swap]')) {
      const now = fresh.getElementById(part.id);
      if (!now) { // what is shown has become another page, as a bench that ended
        location.reload();
        return;
      }
      if (part.innerHTML === now.innerHTML || part.contains(document.activeElement) && document.activeElement.matches('input')) continue;
      part.replaceChildren(...now.childNodes);
      if (!now.hasAttribute('data-swap')) part.removeAttribute('data-swap');
    }
    for (const run of document.querySelectorAll('[data-run]')) draw(run);
  }

  function soon() {
    if (!timer) timer = setTimeout(() => reload().catch(() => {}), Math.max(0, least - (Date.now() - last)));
  }

  function quantity(v, units) {
    let unit = units[0];
    for (const u of units) if (v >= u[0]) unit = u;
    return Number((v / unit[0]).toPrecision(3)) + ' ' + unit[1];
  }
  const iops = [[1, 'IOPS'], [1e3, 'kIOPS'], [1e6, 'MIOPS']], times = [[1, 'ns'], [1e3, 'µs'], [1e6, 'ms'], [1e9, 's']];
  const total = o => Object.values(o || {}).reduce((a, b) => a + b, 0);

  // progress writes how far a run is.
  function progress(p) {
    const g = grown.get(p.run) || {iops: [], lat: []};
    grown.set(p.run, g);
    if (p.phase === 'running') {
      g.iops.push(total(p.iops));
      g.lat.push(Math.max(0, ...Object.values(p.latency_ns || {})));
      if (g.iops.length > 120) g.iops.shift(), g.lat.shift();
    }
    if (p.phase === 'ended') grown.delete(p.run);
    const run = document.querySelector('[data-run="' + CSS.escape(p.run) + '"]');
    if (!run) {
      if (p.phase !== 'ended' && document.querySelector(about === 'all' ? '[data-bench="' + CSS.escape(p.bench) + '"]' : '[data-swap]')) soon();
      return;
    }
    const bar = run.querySelector('progress');
    if (p.percent >= 0) bar.value = p.percent; else bar.removeAttribute('value');
    const write = (what, text) => { run.querySelector('[data-is=' + what + ']').textContent = text; };
    write('phase', p.phase);
    write('left', p.eta ? String(p.eta).replace(/\.\d+s$/, 's') + ' left' : '');
    write('rates', Object.entries(p.iops || {}).filter(e => e[1] > 0).map(([d, v]) =>
      d + ' ' + quantity(v, iops) + ((p.latency_ns || {})[d] ? ', ' + quantity(p.latency_ns[d], times) : '')).join(' · '));
    draw(run);
  }

  // draw shows how a run's rate and latency grew.
  function draw(run) {
    const g = grown.get(run.dataset.run);
    if (!g) return;
    for (const [name, list] of [['iops', g.iops], ['lat', g.lat]]) {
      const most = Math.max(...list), n = Math.max(list.length - 1, 1);
      if (most > 0) run.querySelector('.' + name).setAttribute('points', list.map((v, i) => (i / n * 118 + 1).toFixed(1) + ',' + (22 - v / most * 20).toFixed(1)).join(' '));
    }
  }

  function open() {
    source = new EventSource('/live' + (about === 'all' ? '' : '?bench=' + encodeURIComponent(about)));
    source.addEventListener('changed', soon);
    source.addEventListener('progress', e => progress(JSON.parse(e.data)));
    source.addEventListener('open', () => document.documentElement.dataset.live = 'on');
  }

  if (window.EventSource) open();
  setInterval(() => {
    if (document.hidden || source && source.readyState === EventSource.OPEN) return;
    if (!source || source.readyState === EventSource.CLOSED) {
      if (window.EventSource) open();
      reload().catch(() => {});
    }
  }, slow);
})();
