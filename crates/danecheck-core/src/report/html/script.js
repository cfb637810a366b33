"use strict";
// Shows the buttons that copy, which do nothing without this script.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  const note = button.parentElement.querySelector("[role=status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const range = document.createRange();
    range.selectNodeContents(text);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    let copied = true;
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch {
      copied = document.execCommand("copy");
    }
    note.textContent = copied ? button.dataset.copied : "";
    setTimeout(() => { note.textContent = ""; }, 4000);
  });
}
