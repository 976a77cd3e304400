// A hand from a real table, told by clicks in the order of play: the server says who is next and what cannot be.
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { post } from "./api.js";
import { CallButtons, arrows } from "./controls.js";
import { Picker, spoken } from "./domino.js";
import { TrickList } from "./table.js";

const PLACES = ["you", "left", "partner", "right"];
const named = (seat) => PLACES[seat][0].toUpperCase() + PLACES[seat].slice(1);
const draft = { shaker: 3, said: [] }; // a dialog closed by mistake loses nothing

export function TellHand({ onReview }) {
  const [found, setFound] = useState(null);
  const [words, setWords] = useState("");
  const [trouble, setTrouble] = useState("");
  const box = useRef(null);
  const queue = useRef(Promise.resolve()); // of two quick clicks neither is lost
  const tell = (change, shaker = draft.shaker) => {
    queue.current = queue.current.then(async () => {
      const said = change(draft.said);
      try {
        setFound(await post("/told", { shaker, said }));
        Object.assign(draft, { said, shaker });
        setTrouble("");
        return true;
      } catch (error) {
        setTrouble(error.message);
        return false;
      }
    });
    return queue.current;
  };
  const add = (...words) => tell((said) => [...said, ...words]);
  useEffect(() => void tell((said) => said), []);
  useEffect(() => {
    if (found && (document.activeElement === document.body || document.activeElement.tagName === "DIALOG"))
      box.current.querySelector(".call, [data-tell]:not([aria-disabled]), #review-told:not(:disabled)")?.focus();
  }, [found]);
  if (!found) return html`<p class="trouble" role="alert">${trouble}</p>`;
  const typed = async (event) => {
    event.preventDefault();
    const more = words.split(/[\s,;]+/).filter(Boolean);
    if (more.length && (await add(...more))) setWords("");
  };
  const dominoes = ["tricks", "left"].includes(found.phase);
  const why = (face) => found.gone[face] || found.barred[face] || "";
  return html`<div class="told" ref=${box}>
    <p class="quiet">Tell it as it was played: the bids, trump, then every domino in turn. Who led and who won follows by itself.</p>
    ${!found.calls.length && html`<label class="row"><span>Who shook?</span><select id="shaker" value=${draft.shaker} onChange=${(event) => tell(() => [], Number(event.target.value))}>
      ${PLACES.map((place, seat) => html`<option value=${seat}>${place}</option>`)}</select></label>`}
    ${found.calls.length > 0 && html`<p class="told-calls">${found.calls.map((call) => html`<span key=${call.seat} class=${`chip ${call.seat === found.bidder ? "won" : ""}`}>${named(call.seat)}: ${call.text}</span> `)}
      ${found.trump_text && html`<b>${found.trump_text}</b>`}</p>`}
    <p class="asks" role="status">${found.asks}</p>
    ${found.trouble && html`<p class="trouble" role="alert">${found.trouble}</p>`}
    ${found.legal.length > 0 && html`<div class="calls" role="group" aria-label=${found.asks}><${CallButtons} legal=${found.legal} onSay=${add} /></div>`}
    ${dominoes && html`<div onKeyDown=${arrows}><${Picker} label=${found.asks} button=${(face) => ({
      "data-tell": face,
      class: `tile-button ${why(face) ? "gone" : ""}`,
      "aria-disabled": why(face) ? "true" : undefined,
      "aria-label": spoken(face, found.trumps) + (why(face) ? `, not now: ${why(face)}` : ""),
      title: why(face) || face,
      onClick: () => !why(face) && add(face),
    })} trumps=${found.trumps} /></div>`}
    ${found.phase !== "whole" && html`<form class="say" onSubmit=${typed}><label for="tell">Or type</label>
      <input id="tell" value=${words} autocomplete="off" maxlength="200" placeholder=${dominoes ? "6-4 6-1 6-0 5-4" : "pass 31 pass"} onInput=${(event) => setWords(event.target.value)} /></form>`}
    ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
    <div class="told-buttons">
      <button id="untell" disabled=${!draft.said.length} onClick=${() => tell((said) => said.slice(0, -1))}>Take back</button>
      <button id="tell-anew" disabled=${!draft.said.length} onClick=${() => tell(() => [])}>Start again</button>
      ${found.phase === "tricks" && html`<button id="tell-end" onClick=${() => add("end")}>It ended here</button>`}
      <button id="review-told" class="primary" disabled=${!found.hand} onClick=${() => onReview(found.hand, 0)}>Review it</button></div>
    ${found.tricks.length > 0 && html`<div class="tricks"><h3>Tricks <small class="quiet">us ${found.points[0]}, them ${found.points[1]}</small></h3>
      <${TrickList} tricks=${found.tricks} place=${(seat) => PLACES[seat]} seat=${0} trumps=${found.trumps} /></div>`}
    ${found.left.some((held) => held.length) && html`<div class="tricks"><h3>Left over</h3>
      ${found.left.map((held, seat) => held.length > 0 && html`<p key=${seat}>${named(seat)}: ${held.join(", ")}</p>`)}</div>`}
  </div>`;
}
