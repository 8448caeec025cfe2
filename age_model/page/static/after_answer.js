// Run in the browser once an answer is there; NAME is the tab's. On a phone the answer lies below
// what is in view. (Gradio's scroll_to_output finds no element that has an elem_id of its own.)
// And what the browser cannot show, such as a TIFF file, would stand there as a torn picture.
() => {
  for (const image of document.querySelectorAll("#NAME-input img"))
    image.style.visibility = image.complete && !image.naturalWidth ? "hidden" : "";
  const result = document.querySelector("#NAME-result");
  const answered = result && result.querySelector(".face, .explanation, .answer-message, .answer-problem");
  if (answered && result.getBoundingClientRect().top > window.innerHeight * 0.6)
    result.scrollIntoView({ behavior: "smooth" });
}
