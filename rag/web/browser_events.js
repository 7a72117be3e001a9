// Clicks on our own buttons, keys and scrolling: what Streamlit's widgets cannot do.
// It reads nothing but the data-* attributes that rag/web/components/markup.py wrote.

const EDITABLE = 'input, textarea, select, [contenteditable="true"]';

function perform(button, report) {
  const { act, turn, marker, url, copy } = button.dataset;
  if (act === "copy") {
    navigator.clipboard.writeText(copy).then(() => {
      button.classList.add("fn-copied");
      setTimeout(() => button.classList.remove("fn-copied"), 1500);
    });
  } else if (act === "print") {
    window.print();
  } else {
    report({ act, turn, marker: marker ? Number(marker) : null, url, at: Date.now() });
  }
}

function citations() {
  return [...document.querySelectorAll("button.fn-cite, button.fn-chip")].filter((b) => b.offsetParent);
}

function step(direction) {
  const all = citations();
  if (!all.length) return;
  const last = all.findLastIndex((b) => b.classList.contains("fn-chosen"));
  const here = all.indexOf(document.activeElement) >= 0 ? all.indexOf(document.activeElement) : last;
  const next = all[(here + direction + all.length) % all.length];
  next.focus();
  next.click();
}

function onKey(event) {
  const typing = event.target.closest && event.target.closest(EDITABLE);
  if (event.key === "Escape" && document.querySelector('[role="dialog"]')) return; // it closes itself
  if (event.key === "Escape") {
    const stop = document.querySelector(".st-key-stop button");
    const close = document.querySelector(".st-key-close_source button");
    if (stop) stop.click();
    else if (typing) event.target.blur();
    else if (close && close.offsetParent) close.click();
  } else if (event.ctrlKey || event.metaKey || event.altKey) {
    return;
  } else if (event.key === "/" && !typing) {
    const input = document.querySelector('[data-testid="stChatInputTextArea"]');
    if (input) {
      event.preventDefault();
      input.focus();
    }
  } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    // In an empty question there is nothing to move in: the arrows go on to the citations.
    if (typing && !(typing.matches('[data-testid="stChatInputTextArea"]') && !typing.value)) return;
    if (event.target.closest && event.target.closest('[role="slider"], [role="tablist"], [role="radiogroup"]')) return;
    step(event.key === "ArrowRight" ? 1 : -1);
  }
}

function onClick(event, report) {
  const button = event.target.closest("[data-act]");
  if (button && !window.getSelection().toString()) {
    event.preventDefault();
    perform(button, report);
  }
}

// Dialogs and popovers hang outside the app's own element; this tells them its colour scheme.
function followTheme() {
  const app = document.querySelector(".stApp");
  if (app) document.documentElement.style.colorScheme = getComputedStyle(app).colorScheme;
}

// The newest question goes to the top of the view, a quote to the middle of its pane; neither twice.
function settle(data) {
  const newest = data.reveal && document.getElementById(data.reveal);
  if (newest && window.footnoteRevealed !== data.reveal) {
    window.footnoteRevealed = data.reveal;
    newest.scrollIntoView({ block: "start" });
  }
  const mark = document.querySelector(".fn-pane-body .fn-exact, .fn-pane-body .fn-box");
  if (mark && window.footnoteMark !== data.mark) {
    window.footnoteMark = data.mark;
    const body = mark.closest(".fn-pane-body");
    const offset = mark.getBoundingClientRect().top - body.getBoundingClientRect().top;
    body.scrollTop += offset - body.clientHeight / 3;
  }
}

export default function ({ data, setTriggerValue }) {
  if (window.footnoteLeave) window.footnoteLeave();
  const click = (event) => onClick(event, (value) => setTriggerValue("act", value));
  document.addEventListener("click", click);
  document.addEventListener("keydown", onKey);
  document.documentElement.lang = data.language;
  followTheme();
  const theme = new MutationObserver(followTheme);
  const app = document.querySelector(".stApp");
  if (app) theme.observe(app, { attributes: true, attributeFilter: ["class"] });
  const timers = [50, 250, 800].map((wait) => setTimeout(() => settle(data), wait));
  window.footnoteLeave = () => {
    document.removeEventListener("click", click);
    document.removeEventListener("keydown", onKey);
    theme.disconnect();
    timers.forEach(clearTimeout);
  };
  return window.footnoteLeave;
}
