"use strict";
const lists = [...document.querySelectorAll("[data-decisions]")];
const buttons = [...document.querySelectorAll("button[data-order]")];
const number = (card, key) => Number(card.dataset[key]);
const orders = {
  worst: (a, b) => number(b, "loss") - number(a, "loss") || number(a, "ply") - number(b, "ply"),
  played: (a, b) => number(a, "ply") - number(b, "ply"),
};
function press(order) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.order === order));
  for (const list of lists) list.append(...[...list.children].sort(orders[order]));
}
for (const button of buttons) button.addEventListener("click", () => press(button.dataset.order));
const hindsight = document.querySelector("button[data-hindsight]");
function show(on) {
  hindsight.setAttribute("aria-pressed", String(on));
  document.body.classList.toggle("no-hindsight", !on);
}
if (hindsight) {
  hindsight.addEventListener("click", () => show(hindsight.getAttribute("aria-pressed") !== "true"));
  show(false);
}
for (const bar of document.querySelectorAll("[data-share]")) bar.style.width = bar.dataset.share + "%";
