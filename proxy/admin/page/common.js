"use strict";
const $ = (id) => document.getElementById(id);
const words = {D: "Disabled", S: "Stopped", R: "Hot spare", H: "Hot standby", N: "Draining", I: "Ignore errors", E: "Error", C: "Check failed", O: "Ejected"};
const tones = {D: "warn", S: "warn", N: "warn", E: "bad", C: "bad", O: "bad"};
let csrf = "", balancers = new Map(), reached = null;

// What is written only where it differs: nothing moves, and no focus is lost.
function write(node, text) { if (node.textContent !== text) node.textContent = text; }
function mark(node, name, value) { if (node.getAttribute(name) !== value) node.setAttribute(name, value); }
function show(node, on) { if (node.hidden === on) node.hidden = !on; }

const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
const short = new Intl.NumberFormat("en", {notation: "compact", maximumFractionDigits: 1});
function count(n) { return n < 1e6 ? whole.format(n) : short.format(n); }
function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let i = 0;
  while (n >= 1024 && i < units.length - 1) { n /= 1024; i++; }
  return (i === 0 || n >= 100 ? whole.format(n) : n.toFixed(1)) + " " + units[i];
}
function span(s) { return s < 0.001 ? whole.format(s * 1e6) + " µs" : s < 1 ? (s * 1000).toFixed(s < 0.1 ? 1 : 0) + " ms" : s.toFixed(1) + " s"; }
function clock(date) { return date.toLocaleTimeString("en-GB"); }
function ago(ms) { const s = Math.max(0, Math.round(ms / 1000)); return s < 60 ? s + " s ago" : s < 3600 ? Math.floor(s / 60) + " min ago" : Math.floor(s / 3600) + " h ago"; }
function rate(now, before, seconds, unit) {
  if (now < before) return "";
  const r = (now - before) / seconds;
  return unit === "B" ? bytes(Math.round(r)) + "/s" : (r < 10 && r > 0 ? r.toFixed(1) : count(Math.round(r))) + "/s";
}

async function ask(url, options) {
  // A page that was asked for with user and password in its address may not use
  // that for what it asks itself.
  const res = await fetch(location.origin + url, {...options, credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(5000)});
  csrf = res.headers.get("X-CSRF-Token") || csrf;
  const body = await res.json();
  if (!res.ok) throw Object.assign(new Error(), {fault: body.error});
  return body;
}

async function patch(url, body, text) { return await send("PATCH", url, body, () => text) !== null; }

// send makes a change, and gives what was answered; null where it was not made.
async function send(method, url, body, text) {
  let done = null;
  try {
    done = await ask(url, {method, headers: {"Content-Type": "application/json", "X-CSRF-Token": csrf}, body: JSON.stringify(body)});
    say(done.warning ? "failed" : "done", done.warning || text(done));
  } catch (e) {
    const told = e.fault ? e.fault.text + (e.fault.hint ? " (" + e.fault.hint + ")" : "") : "proxyd did not answer; whether the change holds is not known";
    if ($("change").open) write($("wrong"), told); else say("failed", told);
  } finally { poll(); }
  return done;
}

function say(how, text) { $("said").className = how; $("said").textContent = text; }
