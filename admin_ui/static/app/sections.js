// On narrow screens the list of sections scrolls sideways: begin where the reader is.
const side = document.querySelector(".side");
const here = side?.querySelector("[aria-current]");
if (here && side.scrollWidth > side.clientWidth) side.scrollLeft = here.offsetLeft - side.offsetLeft - 16;
