// The felt: four seats, the trick between them, the contract, and the marks on the rail.
import { html } from "./vendor/htm-preact.js";
import { arrows } from "./controls.js";
import { Domino, Marks, spoken } from "./domino.js";

// `done` is the domino that was played here, where a review looks back.
export function Felt({ state, onPlay, busy, calls, children, done, label = "Table" }) {
  const at = Object.fromEntries(state.seats.map((seat) => [seat.place, seat]));
  return html`<section class="rail" aria-label=${label}>
    <h2 class="hidden-words">The table</h2>
    <${Score} state=${state} />
    <div class="felt">
      <div class="seat partner"><${Name} seat=${at.partner} state=${state} /><${Held} seat=${at.partner} state=${state} /></div>
      <div class="seat left"><${Name} seat=${at.left} state=${state} /><${Held} seat=${at.left} state=${state} lying /></div>
      <${Trick} state=${state} />
      <div class="seat right"><${Name} seat=${at.right} state=${state} /><${Held} seat=${at.right} state=${state} lying /></div>
      <div class="seat you"><${Name} seat=${at.you} state=${state} /></div>
      ${calls}
      ${children}
    </div>
    <${Own} state=${state} seat=${at.you} onPlay=${onPlay} busy=${busy} done=${done} />
  </section>`;
}

// What the teams are called: whoever watches belongs to none.
export const teams = (state) => (state.watching ? ["Bottom & top", "Left & right"] : ["Us", "Them"]);

function Score({ state }) {
  const [us, them] = state.points;
  const contract = state.bid
    ? html`<span class="bid"><b>${whose(state, state.bidder)}</b> ${state.phase === "auction" ? "at" : "bid"} <b>${state.bid}</b></span>`
    : html`<span class="bid">nobody has bid yet</span>`;
  return html`<header class="score">
    <${Team} name=${teams(state)[0]} points=${us} needed=${state.needed?.[0]} marks=${state.marks[0]} match=${state.match} />
    <div class="contract" aria-label="Contract">
      ${contract}
      <span class="trump">${state.trump_text || "trump is not named yet"}</span>
    </div>
    <${Team} name=${teams(state)[1]} points=${them} needed=${state.needed?.[1]} marks=${state.marks[1]} match=${state.match} far />
  </header>`;
}

function Team({ name, points, needed, marks, match, far }) {
  const share = needed ? Math.min(100, Math.round((100 * points) / needed)) : 0;
  return html`<div class=${far ? "team far" : "team"}>
    ${match && html`<${Marks} marks=${marks} who=${name} />`}
    <div class="points">
      <span class=${name.length > 4 ? "who long" : "who"}>${name}</span> <b>${points}</b>${needed ? html`<span class="needed"> of ${needed}</span>` : ""}
      <svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect width="100" height="6" rx="3" /><rect class=${points >= needed ? "full" : "part"} width=${share} height="6" rx="3" />
      </svg>
    </div>
  </div>`;
}

function whose(state, seat) {
  const { called } = state.seats[seat];
  return called[0].toUpperCase() + called.slice(1);
}

function Name({ seat, state }) {
  const moving = state.to_move === seat.seat;
  const lead = state.phase === "tricks" && (!state.trick || state.trick.by !== null);
  const doing = { auction: "to bid", declaration: "to call trump" }[state.phase] || (lead ? "to lead" : "to play");
  const mine = seat.called === "you";
  const who = mine ? "You" : seat.name;
  const spoken_for = seat.calls === "simple bidder" ? "the shared bidder bids for it" : seat.calls ? "bids for itself" : "";
  return html`<div class=${`name ${moving ? "moving" : ""}`} title=${spoken_for}>
    <span class="who">${who}</span>
    ${!mine && who.toLowerCase() !== seat.called && html`<span class="place">${seat.called}</span>`}
    ${seat.said && html`<span class=${`said ${seat.bidder ? "won" : ""}`}>${seat.said}</span>`}
    ${seat.shaker && html`<span class="shook" title="shook the dominoes: bids last">shook</span>`}
    ${moving && html`<span class="doing">${mine ? `your turn ${doing}` : doing}</span>`}
  </div>`;
}

function Held({ seat, state, lying = false }) {
  const faces = state.over ? state.over.deal[seat.seat] : Array(seat.held).fill(null);
  const words = state.over ? `${seat.called} was dealt ${faces.join(", ")}` : `${seat.held} ${seat.held === 1 ? "domino" : "dominoes"}`;
  return html`<div class=${`held ${lying ? "stack" : ""}`} role="img" aria-label=${words}>
    ${faces.map((face, i) => html`<${Domino} key=${i} face=${face} lying=${lying} trump=${state.trumps.includes(face)} />`)}
  </div>`;
}

function Trick({ state }) {
  const trick = state.trick;
  const plays = (!state.over && trick?.plays) || []; // the list of tricks has the last one, too
  return html`<div class="trick" role="group" aria-label="Trick">
    ${plays.map((play, number) => {
      const seat = state.seats[play.seat];
      const wins = play.seat === trick.winning;
      const words = `${seat.called}: ${spoken(play.domino, state.trumps)}${number === 0 ? ", led" : ""}${wins ? ", winning" : ""}`;
      return html`<div key=${play.domino} class=${`played at-${seat.place} ${wins ? "wins" : ""} ${trick.by !== null ? "done" : ""}`}
          role="img" aria-label=${words}>
        <${Domino} face=${play.domino} trump=${state.trumps.includes(play.domino)} />
        ${(number === 0 || wins) && html`<span class=${`led ${wins ? "winner" : ""}`}>${[number === 0 && "led", wins && "wins"].filter(Boolean).join(", ")}</span>`}
      </div>`;
    })}
    <div class="middle">${middle(state)}</div>
  </div>`;
}

function middle(state) {
  if (state.over) return "";
  if (state.trick && state.trick.by !== null) return html`<b>${whose(state, state.trick.by)}</b> +${state.trick.points}`;
  if (state.led) return html`<b>${state.led}</b>`;
  return "";
}

function Own({ state, seat, onPlay, busy, done }) {
  const playing = state.your_turn && state.phase === "tricks" && !busy;
  return html`<div class="own" role="group" aria-label=${state.watching ? "Dominoes at the bottom" : "Your dominoes"} onKeyDown=${arrows}>
    ${(state.over ? state.over.deal[seat.seat] : seat.dominoes || []).map((face) => {
      const why = state.not_now[face];
      const trump = state.trumps.includes(face);
      const label = spoken(face, state.trumps) + (playing && why ? `, not now: ${why}` : "") + (face === done ? ", was played" : "");
      return html`<button key=${face} class=${`tile-button ${playing && !why ? "legal" : ""} ${playing && why ? "barred" : ""} ${face === done ? "done" : ""}`}
          data-domino=${face} aria-disabled=${playing && !why ? undefined : "true"} aria-label=${label} title=${why || face}
          onClick=${() => playing && onPlay(face)}>
        <${Domino} face=${face} trump=${trump} />
      </button>`;
    })}
  </div>`;
}

// Tricks that were played, each with who took it and what it was worth; `seat` is who reads.
export function TrickList({ tricks, place, seat, trumps }) {
  return html`<ol>${tricks.map((trick, number) => html`<li key=${number}>
    <span class=${`by ${(trick.by - seat) & 1 ? "them" : "us"}`}>${place(trick.by)} +${trick.points}</span>
    ${trick.plays.map((play) => html`<span key=${play.domino} class=${`laid ${play.seat === trick.by ? "won" : ""}`} role="img"
      aria-label=${`${place(play.seat)} ${play.domino}${play.seat === trick.by ? ", won" : ""}`}><${Domino} face=${play.domino} trump=${trumps.includes(play.domino)} /></span>`)}</li>`)}</ol>`;
}
