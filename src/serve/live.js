// Brings the newest page in place of the one that is shown. The page can be read without it.
"use strict";
(() => {
  const say = (text) => {
    document.getElementById("live").textContent = text;
  };
  const now = () => new Date().toISOString().slice(11, 19) + " UTC";
  let shown = null;
  let asked = false;
  let again = false;

  const replace = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const focused = document.activeElement && document.activeElement.id;
    const open = [...document.querySelectorAll("details[open][id]")].map((one) => one.id);
    const [left, top] = [window.scrollX, window.scrollY];
    document.title = fresh.title;
    for (const part of ["body > header", "body > nav", "body > main", "body > footer"]) {
      const [there, come] = [document.querySelector(part), fresh.querySelector(part)];
      if (there && come && there.innerHTML !== come.innerHTML) {
        there.className = come.className;
        there.replaceChildren(...come.childNodes);
      }
    }
    for (const id of open) {
      const one = document.getElementById(id);
      if (one) one.open = true;
    }
    const focus = focused && document.getElementById(focused);
    if (focus) focus.focus({ preventScroll: true });
    window.scrollTo(left, top);
  };

  const fetchPage = async () => {
    if (asked) {
      again = true;
      return;
    }
    asked = true;
    try {
      do {
        again = false;
        const answer = await fetch("./", { cache: "no-store" });
        if (!answer.ok) throw new Error(String(answer.status));
        const text = await answer.text();
        if (shown !== text) replace(text);
        if (shown !== null && shown !== text) say("Updated at " + now() + ".");
        else say("Live. As of " + now() + ".");
        shown = text;
      } while (again);
    } catch (error) {
      say("The newest page could not be fetched. What you see is older.");
    } finally {
      asked = false;
    }
  };

  const events = new EventSource("events");
  events.addEventListener("page", fetchPage);
  events.addEventListener("error", () => {
    say("Not connected since " + now() + "; trying again. What you see is older.");
  });
})();
