// The cache. What is listed stays as it is while somebody is at it; ages go on.
const spans = ["Since the start", "Last 10 s", "Last minute", "Last 5 minutes"];
const fateOrder = ["hit", "stale", "collapsed", "validated", "partial", "miss", "pass", "bypass", "error"];
const states = {fresh: ["Fresh", "good"], "stale-while-revalidate": ["Revalidating", "warn"], stale: ["Stale", "warn"], "no-cache": ["No-cache", ""], invalid: ["Invalid", "bad"]};
const list = {rows: new Map(), next: "", steps: 0, paged: false, asked: 0, at: null, serial: 0, query: {prefix: "", tag: ""}};
const facts = Object.fromEntries([...document.querySelectorAll("[data-c]")].map((node) => [node.dataset.c, node]));
const fateRows = spans.map((name) => {
  const row = $("fate").content.firstElementChild.cloneNode(true);
  write(row.querySelector("th"), name);
  return row;
});
document.querySelector("#fates tbody").replaceChildren(...fateRows);

function percent(ratio) { return ratio === null ? "–" : (Math.floor(ratio * 1000) / 10).toFixed(1) + " %"; }

function renderCache(v) {
  show($("cache"), true);
  show($("cache-on"), v.on);
  if (!v.on) { write($("cache-text"), "This site has no cache."); return; }
  write($("cache-text"), "hit ratio: " + percent(v.recent[0].hit_ratio) + " now · " + percent(v.recent[1].hit_ratio) + " in the last minute");
  [v.total, ...v.recent].forEach((f, i) => {
    [percent(f.hit_ratio), count(f.requests), ...fateOrder.map((name) => count(f.fates[name]))].forEach((text, at) => write(fateRows[i].children[at + 1], text));
  });
  const fill = (name, part) => mark(document.querySelector(`[data-bar=${name}] rect`), "width", String(Math.min(100, Math.round(part * 1000) / 10)));
  const m = v.memory, d = v.disk;
  write(facts.memory, bytes(m.bytes) + " of " + bytes(m.max_bytes)); fill("memory", m.bytes / m.max_bytes);
  write(facts.memoryKeys, count(m.keys) + (m.keys === 1 ? " URL" : " URLs"));
  write(facts.disk, d ? bytes(d.bytes) + " of " + bytes(d.max_bytes) : "no directory"); fill("disk", d ? d.bytes / d.max_bytes : 0);
  write(facts.diskFiles, d ? count(d.files) + (d.files === 1 ? " file" : " files") + (d.scanned ? "" : ", counting") + (d.open_files ? ", " + count(d.open_files) + " open" : "") : "");
  write(facts.insertions, count(v.insertions)); write(facts.rejected, count(v.too_large) + " too large · " + count(v.overtaken) + " overtaken");
  write(facts.evicted, count(m.evictions) + " from memory"); write(facts.evictedDisk, d ? count(d.evictions) + " from disk" : "");
  write(facts.corrupt, d ? count(d.corrupt_files) : "–"); write(facts.unwritten, d ? count(d.unwritten_files) + " not written" : "");
  write(facts.purged, count(v.purged)); write(facts.purges, count(v.purges) + " in force · " + count(v.invalidated) + " invalidated");
  for (const row of list.rows.values()) renderAge(row);
  const idle = !$("entries").matches(":hover, :focus-within") && !document.querySelector("dialog[open]");
  if (!list.asked || !list.paged && list.steps < 4 && idle && performance.now() - list.asked > 5000) search(false);
}

// search lists from the beginning; a step may bring nothing although more follows.
async function search(told) {
  const serial = ++list.serial, seen = new Set();
  list.asked = performance.now(); list.steps = 0; list.paged = false;
  await step("/api/cache/entries?" + new URLSearchParams(Object.entries(list.query).filter(([, v]) => v)), serial, seen, told);
  if (serial !== list.serial) return;
  for (const [url, row] of list.rows) if (!seen.has(url)) drop(row);
  tellList();
}

async function step(url, serial, seen, told) {
  try {
    for (let found = 0; ;) {
      const v = await ask(url);
      list.steps++;
      if (serial !== list.serial) return;
      for (const e of v.entries) { seen.add(e.url); renderEntry(e); }
      found += v.entries.length;
      list.next = v.next;
      if (!v.next || found >= 50) break;
      url = "/api/cache/entries?cursor=" + encodeURIComponent(v.next);
      if (told) write($("listed"), "searching …");
    }
    list.at = new Date();
  } catch (e) {
    list.next = "";
    if (told || e.fault) say("failed", e.fault ? e.fault.text + " (" + e.fault.hint + ")" : "proxyd did not answer; search again");
  }
}

function tellList() {
  const n = list.rows.size;
  show($("more"), list.next !== "");
  write($("listed"), n === 0 && !list.next ? "Nothing is stored that matches." : count(n) + (n === 1 ? " URL" : " URLs") + (list.next ? ", and there is more" : "") + (list.at ? ", as of " + clock(list.at) : ""));
}

function renderEntry(e) {
  let row = list.rows.get(e.url);
  if (!row) {
    const root = $("entry").content.firstElementChild.cloneNode(true);
    row = {root, f: {}, url: e.url};
    for (const node of root.querySelectorAll("[data-f]")) row.f[node.dataset.f] = node;
    write(row.f.url, e.url);
    for (const button of root.querySelectorAll("button")) {
      mark(button, "aria-label", button.textContent + " " + e.url);
      button.addEventListener("click", () => button.dataset.do === "look" ? look(e.url) : purge(e.url, button.dataset.do === "soft"));
    }
    list.rows.set(e.url, row);
    document.querySelector("#entries tbody").append(root);
  }
  const v = e.variants, f = row.f, each = (key) => [...new Set(v.map(key))].join(", ");
  row.newest = v[0]; row.at = performance.now();
  write(f.variants, (v.length > 1 ? [v.length + " variants"] : []).concat([...new Set(v.flatMap((r) => r.tags || []))].map((t) => "#" + t)).join(" · "));
  write(f.status, each((r) => r.status));
  write(f.size, bytes(v.reduce((n, r) => n + r.size, 0)));
  write(f.where, v.some((r) => r.memory) ? v.some((r) => r.disk) ? "memory, disk" : "memory" : "disk");
  renderAge(row);
}

function renderAge(row) {
  const since = (performance.now() - row.at) / 1000, v = row.newest, left = v.fresh_seconds - since;
  const state = v.state === "fresh" && left <= 0 ? "stale" : v.state, [word, tone] = states[state] || [state, ""];
  write(row.f.state, word); mark(row.f.state, "class", "badge " + tone);
  write(row.f.left, state === "fresh" ? lasting(left) + " left" : state === "no-cache" || state === "invalid" ? "to be validated" : "for " + lasting(-left));
  write(row.f.age, lasting(v.age_seconds + since));
}

function lasting(s) {
  s = Math.max(0, Math.round(s));
  return s < 120 ? s + " s" : s < 7200 ? Math.floor(s / 60) + " min" : s < 172800 ? Math.floor(s / 3600) + " h" : Math.floor(s / 86400) + " d";
}

// drop takes a row away; who was there with the keyboard gets to the next one.
function drop(row) {
  const at = row.root.contains(document.activeElement) ? document.activeElement.dataset.do : "";
  const near = row.root.nextElementSibling || row.root.previousElementSibling;
  list.rows.delete(row.url);
  row.root.remove();
  if (at) (near ? near.querySelector(`[data-do=${at}]`) : $("search").elements.prefix).focus();
}

function entryOf(url) { return ask("/api/cache/entry?url=" + encodeURIComponent(url)); }

async function purge(url, soft) {
  const done = await send("POST", "/api/cache/purge", {url, soft}, (d) =>
    d.responses === 0 ? "Nothing was stored for " + url : (soft ? "Softly purged: " : "Purged: ") + url + (d.responses > 1 ? ", " + d.responses + " variants" : ""));
  const row = done && list.rows.get(url);
  if (!row) return;
  if (soft && done.responses > 0) {
    try { return renderEntry(await entryOf(url)); } catch (e) { if (!e.fault) return; }
  }
  drop(row);
  tellList();
}

// purgeAll is for all that the fields say, after it was asked for twice.
function purgeAll(soft) {
  const q = asked(), dialog = $("sure"), yes = dialog.querySelector("[data-do=yes]");
  if (!q.prefix && !q.tag) { say("failed", "nothing is to be purged (http:// is everything)"); return; }
  const what = [q.prefix && (q.prefix === "http://" ? "everything" : "all that begins with " + q.prefix), q.tag && "what has the tag " + q.tag].filter(Boolean).join(", and of it only ");
  write($("sure-title"), (soft ? "Soft purge " : "Purge ") + what + "?");
  write(dialog.querySelector("p"), soft ? "It stays, and is validated with the origin server before it is used again." : "It is fetched from the origin server again when it is asked for.");
  write(yes, soft ? "Soft purge" : "Purge");
  yes.onclick = async () => {
    dialog.close();
    if (await send("POST", "/api/cache/purge", {...q, soft}, () => (soft ? "Softly purged: " : "Purged: ") + what)) { list.query = q; search(true); }
  };
  dialog.showModal();
}

function asked() {
  const f = $("search").elements;
  return {prefix: f.prefix.value.trim(), tag: f.tag.value.trim()};
}

async function look(url) {
  let e;
  try { e = await entryOf(url); } catch (err) {
    say("failed", err.fault ? err.fault.text : "proxyd did not answer");
    return;
  }
  write($("look-title"), e.url);
  $("look-variants").replaceChildren(...e.variants.map((v, i) => variant(v, e.variants.length > 1 ? "Variant " + (i + 1) : "")));
  $("look").showModal();
}

function element(name, text, className) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function variant(v, title) {
  const root = element("div"), facts = element("dl", undefined, "facts");
  const vary = (v.vary || []).map((f) => f.name + ": " + f.value).join(", ");
  if (title || vary) root.append(element("h3", [title, vary].filter(Boolean).join(" · ")));
  const [word, tone] = states[v.state] || [v.state, ""], why = element("p");
  why.append(element("span", word, "badge " + tone), " ", v.why);
  root.append(why);
  const pair = (name, text) => { const box = element("div"); box.append(element("dt", name), element("dd", text)); facts.append(box); };
  pair("Status", String(v.status));
  pair("Size", bytes(v.size) + (v.complete ? "" : ", not complete"));
  pair("Where", [v.memory && "memory", v.disk && "disk"].filter(Boolean).join(" and ") || "nowhere");
  pair("Age", lasting(v.age_seconds));
  pair("Lifetime", lasting(v.lifetime_seconds) + (v.lifetime_from ? ", from " + v.lifetime_from : ""));
  pair("Fetched or validated", new Date(v.requested).toLocaleString("en-GB"));
  if (v.stale_while_revalidate_seconds) pair("stale-while-revalidate", lasting(v.stale_while_revalidate_seconds));
  if (v.stale_if_error_seconds !== undefined) pair("stale-if-error", lasting(v.stale_if_error_seconds));
  if (v.tags) pair("Tags", v.tags.join(", "));
  root.append(facts, element("pre", (v.fields || []).map((f) => f.name + ": " + f.value).join("\n")));
  return root;
}

$("search").addEventListener("submit", (e) => { e.preventDefault(); list.query = asked(); search(true); });
for (const button of document.querySelectorAll("[data-all]")) button.addEventListener("click", () => purgeAll(button.dataset.all === "soft"));
$("more").addEventListener("click", async () => {
  list.paged = true;
  await step("/api/cache/entries?cursor=" + encodeURIComponent(list.next), list.serial, new Set(), true);
  tellList();
});
$("sure").querySelector("[data-do=cancel]").addEventListener("click", () => $("sure").close());
for (const button of $("look").querySelectorAll("button")) button.addEventListener("click", () => {
  $("look").close();
  if (button.dataset.do !== "close") purge($("look-title").textContent, button.dataset.do === "soft");
});
