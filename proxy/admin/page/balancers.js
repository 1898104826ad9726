function badges(cell, status, candidate) {
  const list = [];
  for (const c of status) list.push([words[c] || c, tones[c] || ""]);
  if (!/[DSNECO]/.test(status)) list.unshift(candidate ? ["Ok", "good"] : ["In reserve", ""]);
  const key = JSON.stringify(list);
  if (cell.dataset.key === key) return;
  cell.dataset.key = key;
  cell.replaceChildren(...list.map(([text, tone]) => {
    const b = document.createElement("span");
    b.className = "badge " + tone;
    b.textContent = text;
    return b;
  }));
}

function newBalancer(name) {
  const root = $("balancer").content.firstElementChild.cloneNode(true);
  const b = {root, members: new Map(), select: root.querySelector("select"), figures: root.querySelector(".figures"), nobody: root.querySelector(".nobody"), body: root.querySelector("tbody")};
  write(root.querySelector("h2"), name);
  write(root.querySelector("caption"), "Members of " + name);
  mark(b.select, "aria-label", "lbmethod of " + name);
  b.select.addEventListener("change", () => patch("/api/balancers/" + encodeURIComponent(name), {lbmethod: b.select.value}, "lbmethod of " + name + " is " + b.select.value));
  return b;
}

function newMember(balancer, url) {
  const root = $("member").content.firstElementChild.cloneNode(true);
  const m = {root, f: {}, url, balancer, shown: null, rated: null};
  for (const node of root.querySelectorAll("[data-f]")) m.f[node.dataset.f] = node;
  for (const button of root.querySelectorAll("button")) {
    mark(button, "aria-label", button.textContent.replace("…", "") + " " + url);
    button.addEventListener("click", () => act(m, button));
  }
  return m;
}

function path(m) { return "/api/balancers/" + encodeURIComponent(m.balancer) + "/members/" + encodeURIComponent(m.url); }

function act(m, button) {
  if (button.dataset.do === "change") return open(m);
  if (button.dataset.do === "recover") return patch(path(m), {status: "-ECO"}, m.url + " is recovered");
  const flag = button.dataset.flag, on = !m.shown.status.includes(flag);
  patch(path(m), {status: (on ? "+" : "-") + flag}, m.url + (on ? " is " + words[flag].toLowerCase() : " is no longer " + words[flag].toLowerCase()));
}

function render(data) {
  const now = Date.parse(data.time);
  const seen = new Set();
  for (const v of data.balancers) {
    seen.add(v.name);
    let b = balancers.get(v.name);
    if (!b) balancers.set(v.name, b = newBalancer(v.name));
    renderBalancer(b, v, now);
  }
  for (const [name, b] of balancers) if (!seen.has(name)) { b.root.remove(); balancers.delete(name); }
  arrange($("balancers"), data.balancers.map((v) => balancers.get(v.name).root));
}

// arrange puts nodes in their order, and touches none that stands right.
function arrange(parent, nodes) {
  nodes.forEach((node, i) => { if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] || null); });
}

function renderBalancer(b, v, now) {
  if (b.select.options.length !== v.lbmethods.length) b.select.replaceChildren(...v.lbmethods.map((m) => new Option(m, m)));
  if (document.activeElement !== b.select && b.select.value !== v.lbmethod) b.select.value = v.lbmethod;
  const parts = [v.members.length + (v.members.length === 1 ? " member" : " members"), count(v.waiting) + " waiting", count(v.attempts_again) + " further attempts", count(v.attempts_refused) + " refused"];
  if (v.hedges.sent || v.hedges.delay_seconds !== null) parts.push(count(v.hedges.sent) + " hedges, " + count(v.hedges.won) + " won" + (v.hedges.delay_seconds === null ? "" : ", after " + (v.hedges.delay_seconds * 1000).toPrecision(3) + " ms"));
  if (v.changed) parts.unshift("declared: " + v.declared);
  write(b.figures, parts.join(" · "));
  show(b.nobody, !v.members.some((m) => m.candidate));
  const seen = new Set();
  for (const mv of v.members) {
    seen.add(mv.url);
    let m = b.members.get(mv.url);
    if (!m) b.members.set(mv.url, m = newMember(v.name, mv.url));
    renderMember(m, mv, now);
  }
  for (const [url, m] of b.members) if (!seen.has(url)) { m.root.remove(); b.members.delete(url); }
  arrange(b.body, v.members.map((mv) => b.members.get(mv.url).root));
}

function renderMember(m, v, now) {
  const f = m.f, rated = m.rated, seconds = rated ? (now - rated.now) / 1000 : 0;
  const due = !rated || seconds > 0.9; // a change has the figures asked for in between
  const flow = (node, key, unit) => { if (rated && due) write(node, rate(v[key], rated.v[key], seconds, unit)); };
  write(f.url, v.url);
  write(f.route, [v.route && "route " + v.route, v.redirect && "redirect " + v.redirect, v.changed && "changed"].filter(Boolean).join(" · "));
  badges(f.status, v.status, v.candidate);
  write(f.elected, count(v.elected)); flow(f.rate, "elected", "");
  write(f.busy, count(v.busy)); write(f.max, v.max ? "of " + count(v.max) : "");
  write(f.lbstatus, whole.format(v.lbstatus));
  write(f.to, bytes(v.to)); flow(f.toRate, "to", "B");
  write(f.from, bytes(v.from)); flow(f.fromRate, "from", "B");
  write(f.errors, count(v.errors)); write(f.retries, v.retries ? count(v.retries) + " recovered" : "");
  write(f.latency, v.latency_seconds === null ? "–" : span(v.latency_seconds));
  write(f.check, v.check ? (v.check.error ? "failed" : "passed") : "–");
  write(f.checkError, v.check ? ago(now - Date.parse(v.check.at)) + (v.check.error ? ": " + v.check.error : "") : ""); mark(f.checkError, "title", f.checkError.textContent);
  write(f.loadfactor, String(v.loadfactor)); write(f.slow, v.lbfactor < Math.floor(v.loadfactor * 100) ? "now " + v.lbfactor / 100 : "");
  write(f.lbset, String(v.lbset));
  for (const button of m.root.querySelectorAll("[data-flag]")) mark(button, "aria-pressed", String(v.status.includes(button.dataset.flag)));
  const recover = m.root.querySelector("[data-do=recover]"), ill = /[ECO]/.test(v.status);
  mark(recover, "aria-disabled", String(!ill));
  if (recover !== document.activeElement) recover.disabled = !ill;
  m.shown = v;
  if (due) m.rated = {v, now};
}

function open(m) {
  const dialog = $("change"), form = dialog.querySelector("form"), v = m.shown;
  write($("change-title"), v.url);
  write($("wrong"), "");
  write(form.querySelector(".check"), v.check ? "Last check, at " + clock(new Date(v.check.at)) + ": " + (v.check.error || "passed in " + span(v.check.took_seconds)) : "Not checked yet.");
  for (const input of form.querySelectorAll("input")) {
    if (input.type === "checkbox") input.checked = v.status.includes(input.name);
    else {
      input.value = v[input.name];
      write(input.nextElementSibling, "declared: " + (v.declared[input.name] === "" ? "none" : v.declared[input.name]));
    }
  }
  form.onsubmit = async (e) => {
    e.preventDefault();
    if (await patch(path(m), changes(form, m.shown), m.url + " is changed")) dialog.close();
  };
  form.querySelector("[data-do=declared]").onclick = () => {
    for (const input of form.querySelectorAll("input")) {
      if (input.type === "checkbox") input.checked = v.declared.status.includes(input.name);
      else input.value = v.declared[input.name];
    }
  };
  form.querySelector("[data-do=cancel]").onclick = () => dialog.close();
  dialog.showModal();
}

// changes is what the form has otherwise than the member.
function changes(form, v) {
  const change = {};
  let status = "";
  for (const input of form.querySelectorAll("input")) {
    if (input.type === "checkbox") {
      if (input.checked !== v.status.includes(input.name)) status += (input.checked ? "+" : "-") + input.name;
      continue;
    }
    const value = input.type === "number" ? Number(input.value) : input.value;
    if (value !== v[input.name]) change[input.name] = value;
  }
  if (status) change.status = status;
  return Object.keys(change).length ? change : {status: ""};
}
