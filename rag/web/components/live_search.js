// A text field that reports what is typed a moment after the last key, not only when return is pressed.

const PAUSE_MILLISECONDS = 180;

export default function ({ data, parentElement, setStateValue }) {
  let input = parentElement.querySelector("input");
  if (!input) {
    input = document.createElement("input");
    input.type = "search";
    input.autocomplete = "off";
    input.value = data.value;
    parentElement.append(input);
  }
  input.placeholder = data.label;
  input.setAttribute("aria-label", data.label);
  input.oninput = () => {
    clearTimeout(input.pending);
    input.pending = setTimeout(() => setStateValue("text", input.value), PAUSE_MILLISECONDS);
  };
}
