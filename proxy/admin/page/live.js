let timer = 0, asking = false, again = false;
async function poll() {
  clearTimeout(timer);
  if (asking) { again = true; return; }
  asking = true;
  try {
    const [members, cached] = await Promise.all([ask("/api/balancers"), ask("/api/cache")]);
    render(members);
    renderCache(cached);
    reached = new Date();
    write($("live"), "live, " + clock(reached));
    lose("");
  } catch (e) {
    const since = reached ? " The figures are of " + clock(reached) + "." : "";
    lose(e.fault ? "proxyd refuses: " + e.fault.text + "." : "proxyd is not reachable any more." + since + " Asking again each second …");
    write($("live"), "not reachable");
  }
  asking = false;
  if (again) { again = false; return poll(); }
  timer = setTimeout(poll, document.hidden ? 10000 : 1000);
}

function lose(text) {
  document.body.classList.toggle("lost", text !== "");
  write($("lost"), text);
  show($("lost"), text !== "");
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
poll();
