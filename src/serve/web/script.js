// Follows a look while it runs. Without it the page reloads.
"use strict";
(() => {
  const { events, page } = document.body.dataset;
  const count = document.getElementById("count");
  const list = document.getElementById("steps");
  if (!events || !count || !list) return;
  const open = () => location.replace(page);
  const part = (name, text) => {
    const element = document.createElement(name === "text" ? "bdi" : "span");
    if (name !== "text") element.className = name;
    element.textContent = text;
    return element;
  };
  const show = ({ count: sentence, steps }) => {
    count.textContent = sentence;
    list.replaceChildren(...steps.map((step) => {
      const item = document.createElement("li");
      item.className = step.ended ? "ended" : "runs";
      const word = step.ended ? list.dataset.ended : list.dataset.runs;
      item.append(part("kind", step.kind), " ", part("text", step.text), " ", part("word", word));
      return item;
    }));
  };
  const source = new EventSource(events);
  source.addEventListener("steps", (event) => show(JSON.parse(event.data)));
  source.addEventListener("end", () => { source.close(); open(); });
  source.addEventListener("error", () => {
    // Too many follow already, or the server has ended: the page says it.
    if (source.readyState === EventSource.CLOSED) setTimeout(open, 2000);
  });
})();
