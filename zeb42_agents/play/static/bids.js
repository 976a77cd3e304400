// Bidding help: how often each bid is made under each declaration.
import { html, useState } from "./vendor/htm-preact.js";
import { percent } from "./domino.js";

const SHOWN = [30, 31, 32, 34, 36, 40, 42];

export function BidTable({ found, bid = null }) {
  const [perfect, setPerfect] = useState(false);
  if (!found) return html`<p class="quiet">Solving guessed deals …</p>`;
  const columns = SHOWN.map((points) => found.bids.indexOf(points));
  const best = [...found.declarations].sort((a, b) => b.at_table[0] - a.at_table[0] || b.points - a.points);
  return html`<div class="bid-help">
    <p class="quiet">${perfect ? `Share of ${found.num_worlds} guessed deals in which it can be made: all hands open and perfect play promise too much.`
      : found.learned ? "Chance to make it with your seven dominoes, as Zeb's calls have learned it at the table."
      : `Chance to make it, as often as such contracts were made at the table, estimated over ${found.num_worlds} guessed deals.`} Marks need all 42.</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Chances of each bid">
    <table class="heat">
      <caption class="hidden-words">Chance that each bid is made under each declaration</caption>
      <thead><tr><th scope="col">trump</th>${SHOWN.map((points) => html`<th scope="col" class=${points === bid ? "asked" : ""}>${points}</th>`)}
        <th scope="col">pts</th></tr></thead>
      <tbody>${best.map((row) => html`<tr key=${row.text}><th scope="row">${row.text === "no-trump" ? "follow me" : row.text}</th>
        ${columns.map((column) => html`<td class=${heat((perfect ? row.makes : row.at_table)[column])}>${percent((perfect ? row.makes : row.at_table)[column])}</td>`)}
        <td>${row.points.toFixed(1)}</td></tr>`)}</tbody>
    </table></div>
    <label class="switch"><input type="checkbox" checked=${perfect} onChange=${(event) => setPerfect(event.target.checked)} /> with perfect play</label>
  </div>`;
}

function heat(share) {
  return `h${Math.min(9, Math.floor(share * 10))}`;
}
