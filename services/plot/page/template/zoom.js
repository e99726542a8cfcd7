// Lets people point at the figures over time of a run, with a pointer or the
// keyboard, and zoom in: the service then draws the stretch from the logs, on a
// finer grid. The values come from the figures' own metadata. Without this
// script the form above the figures does the zooming.
'use strict';
(() => {
  const charts = [];
  let end = 0; // of the whole run in seconds, 0 while only a stretch was seen
  const live = document.createElement('p');
  live.className = 'hidden';
  live.setAttribute('role', 'status');

  // load reads the values that a figure carries. The SVG is not parsed as a
  // document: its styles would apply here, and the page's policy forbids them.
  async function load(chart, src) {
    chart.data = null;
    const answer = await fetch(src);
    if (!answer.ok) return;
    const svg = await answer.text();
    const meta = svg.match(/<metadata>([^<]*)<\/metadata>/);
    const box = svg.match(/viewBox="0 0 ([\d.]+) ([\d.]+)"/);
    if (!meta || !box) return;
    const json = meta[1].replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');
    chart.data = Object.assign(JSON.parse(json), {width: Number(box[1])});
    if (chart.zoom && src === chart.whole) end = Math.max(end, chart.data.to);
  }

  // format writes a value with three digits in the unit that suits it.
  function format(units, v) {
    let unit = units[0];
    for (const u of units) if (Math.abs(v) >= u.size) unit = u;
    return String(Number((v / unit.size).toPrecision(3))) + ' ' + unit.name;
  }

  // seconds writes a time as fine as the stretch that is shown needs it.
  function seconds(chart, t) {
    const span = chart.data.to - chart.data.from;
    const digits = Math.max(0, Math.min(3, 3 - Math.floor(Math.log10(span))));
    return t.toFixed(digits) + ' s';
  }

  // text tells the values at a time, a line each.
  function text(chart, t) {
    const out = [seconds(chart, t)];
    for (const line of chart.data.lines || []) {
      const n = line.mid.length;
      const i = Math.floor((t - line.from) / (line.to - line.from) * n);
      const at = Math.min(i, n - 1);
      if (t < line.from || t > line.to || line.mid[at] === null) {
        out.push(line.name + ': none');
        continue;
      }
      let said = line.name + ': ' + format(chart.data.units, line.mid[at]);
      if (line.low && line.top[at] > line.low[at]) {
        said += ' (' + format(chart.data.units, line.low[at]) + ' to ' + format(chart.data.units, line.top[at]) + ')';
      }
      out.push(said);
    }
    return out;
  }

  // x is where a time lies in the overlay, in CSS pixels; time its inverse.
  function x(chart, t) {
    const d = chart.data;
    const part = (t - d.from) / (d.to - d.from);
    return (d.area[0] + part * (d.area[2] - d.area[0])) / d.width * chart.over.clientWidth;
  }
  function time(chart, px) {
    const d = chart.data;
    const part = (px / chart.over.clientWidth * d.width - d.area[0]) / (d.area[2] - d.area[0]);
    return d.from + Math.max(0, Math.min(1, part)) * (d.to - d.from);
  }

  // point shows the cursor at a time in all figures that cover it, and the
  // values in the one that is pointed at.
  function point(chart, t, aloud) {
    for (const c of charts) {
      const shown = c.data && t >= c.data.from && t <= c.data.to;
      c.cursor.hidden = !shown;
      c.tip.hidden = !shown || c !== chart;
      if (!shown) continue;
      const d = c.data, scale = c.over.clientWidth / d.width;
      c.cursor.style.left = x(c, t) + 'px';
      c.cursor.style.top = d.area[1] * scale + 'px';
      c.cursor.style.height = (d.area[3] - d.area[1]) * scale + 'px';
    }
    chart.at = t;
    const lines = text(chart, t);
    chart.tip.textContent = lines.join('\n');
    const left = x(chart, t), room = chart.over.clientWidth;
    chart.tip.style.top = chart.data.area[1] * room / chart.data.width + 'px';
    chart.tip.style.left = left < room / 2 ? left + 8 + 'px' : 'auto';
    chart.tip.style.right = left < room / 2 ? 'auto' : room - left + 8 + 'px';
    if (aloud) live.textContent = lines.join(', ');
  }

  function leave() {
    for (const c of charts) c.cursor.hidden = c.tip.hidden = c.band.hidden = true;
  }

  // zoom shows a stretch in every figure that has one.
  function zoom(from, to) {
    from = Math.max(0, from);
    if (end > 0) to = Math.min(to, end);
    if (end > 0 && from === 0 && to === end) {
      whole();
      return;
    }
    if (!(to - from >= 0.02)) return;
    const query = '?from=' + Number(from.toFixed(3)) + '&to=' + Number(to.toFixed(3));
    for (const c of charts) {
      if (!c.zoom) continue;
      show(c, c.zoom + '.svg' + query);
    }
    history.replaceState(null, '', location.pathname + query);
    fill(Number(from.toFixed(3)), Number(to.toFixed(3)));
    live.textContent = 'from ' + from.toFixed(2) + ' to ' + to.toFixed(2) + ' seconds';
  }

  // fill keeps the form in step with what is shown.
  function fill(from, to) {
    const form = document.querySelector('form.zoom');
    if (form) [form.elements.from.value, form.elements.to.value] = [from, to];
  }

  function show(chart, src) {
    chart.figure.classList.add('busy');
    chart.img.src = src;
    for (const a of chart.figure.querySelectorAll('a')) {
      a.href = a.textContent === 'PNG' ? src.replace('.svg', '.png') : src;
    }
    load(chart, src).catch(() => {});
    leave();
  }

  // whole goes back to the whole run.
  function whole() {
    if (!charts.every(c => !c.zoom || c.whole)) {
      location.assign(location.pathname);
      return;
    }
    for (const c of charts) if (c.zoom) show(c, c.whole);
    history.replaceState(null, '', location.pathname);
    fill('', '');
    live.textContent = 'the whole run';
  }

  function keys(chart, e) {
    const d = chart.data;
    if (!d || e.ctrlKey || e.metaKey || e.altKey) return;
    const span = d.to - d.from, step = span / 120;
    const at = chart.at >= d.from && chart.at <= d.to ? chart.at : d.from + span / 2;
    const go = {
      ArrowLeft: () => e.shiftKey ? pan(-1) : point(chart, Math.max(d.from, at - step), true),
      ArrowRight: () => e.shiftKey ? pan(1) : point(chart, Math.min(d.to, at + step), true),
      Home: () => point(chart, d.from, true),
      End: () => point(chart, d.to, true),
      '+': () => zoom(at - span / 4, at + span / 4),
      '=': () => zoom(at - span / 4, at + span / 4),
      '-': () => zoom(d.from - span / 2, d.to + span / 2),
      '0': whole,
      Escape: whole,
    }[e.key];
    function pan(way) {
      const by = Math.max(way * span / 4, -d.from);
      zoom(d.from + by, d.to + by);
    }
    if (!go || !chart.zoom && '+=-0Escape'.includes(e.key)) return;
    e.preventDefault();
    go();
  }

  // drag selects a stretch with a pointer.
  function drag(chart) {
    let began = null;
    const px = e => e.clientX - chart.over.getBoundingClientRect().left;
    chart.over.addEventListener('pointerdown', e => {
      if (!chart.data || e.button !== 0) return;
      began = px(e);
      chart.over.setPointerCapture(e.pointerId);
    });
    chart.over.addEventListener('pointermove', e => {
      if (!chart.data) return;
      point(chart, time(chart, px(e)), false);
      if (began === null || !chart.zoom) return;
      const from = x(chart, time(chart, Math.min(began, px(e)))), to = x(chart, time(chart, Math.max(began, px(e))));
      chart.band.hidden = to - from < 4;
      Object.assign(chart.band.style, {left: from + 'px', width: to - from + 'px', top: chart.cursor.style.top, height: chart.cursor.style.height});
    });
    chart.over.addEventListener('pointerup', e => {
      if (began === null) return;
      const from = Math.min(began, px(e)), to = Math.max(began, px(e));
      began = null;
      chart.band.hidden = true;
      if (to - from >= 8 && chart.zoom && chart.data) zoom(time(chart, from), time(chart, to));
    });
    chart.over.addEventListener('pointercancel', () => { began = null; leave(); });
    chart.over.addEventListener('pointerleave', () => { if (began === null) leave(); });
    chart.over.addEventListener('dblclick', () => { if (chart.zoom) whole(); });
  }

  function part(name, parent) {
    const e = document.createElement('div');
    e.className = name;
    e.hidden = true;
    parent.append(e);
    return e;
  }

  function prepare(figure) {
    const img = figure.querySelector('img'), link = img.closest('a');
    const over = document.createElement('div');
    over.className = 'over';
    over.tabIndex = 0;
    over.setAttribute('role', 'group');
    const chart = {figure, img, over, zoom: figure.dataset.zoom, at: NaN};
    over.setAttribute('aria-label', img.alt + ': arrow keys read values off' +
      (chart.zoom ? ', plus and minus zoom, shift and arrows move, escape shows the whole run' : ''));
    over.setAttribute('aria-roledescription', 'chart');
    link.replaceWith(over);
    over.append(img);
    chart.band = part('band', over);
    chart.cursor = part('cursor', over);
    chart.tip = part('tip', over);
    if (!location.search) chart.whole = img.getAttribute('src');
    img.draggable = false;
    img.addEventListener('load', () => figure.classList.remove('busy'));
    img.addEventListener('error', () => figure.classList.remove('busy'));
    over.addEventListener('keydown', e => keys(chart, e));
    over.addEventListener('blur', leave);
    drag(chart);
    charts.push(chart);
    load(chart, img.getAttribute('src')).catch(() => {});
  }

  document.querySelectorAll('figure[data-chart]').forEach(prepare);
  if (charts.length) document.querySelector('main').append(live);
  const form = document.querySelector('form.zoom');
  if (form && charts.length) {
    const hint = document.createElement('span');
    hint.className = 'small';
    hint.textContent = 'or drag across a figure; double-click for the whole run';
    form.append(hint);
  }
})();
