"use strict";
// Says how many of the page's pictures have arrived whole.
const images = Array.from(document.images);
const line = document.getElementById("loaded");
function show() {
  const whole = images.filter((i) => i.complete && i.naturalWidth > 0).length;
  line.textContent = `${whole} of ${images.length} pictures have arrived.`;
}
for (const i of images) {
  i.addEventListener("load", show);
  i.addEventListener("error", show);
}
show();
