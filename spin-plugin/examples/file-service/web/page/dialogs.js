// The two dialogs: a question, and the preview of pictures.

const at = (id) => document.getElementById(id);

// Asks for a name, where `name` is given, or for yes. Answers the name, true,
// or null when it was cancelled.
export function ask({ title, text = '', name, yes }) {
  const dialog = at('question');
  const value = at('question-value');
  at('question-title').textContent = title;
  at('question-text').textContent = text;
  at('question-text').hidden = !text;
  at('question-yes').textContent = yes;
  at('question-field').hidden = name === undefined;
  value.required = name !== undefined;
  value.value = name ?? '';
  dialog.returnValue = '';
  dialog.showModal();
  if (name === undefined) {
    at('question-yes').focus();
  } else {
    value.focus();
    // What stands before the ending is what is changed, most of the time.
    const dot = name.lastIndexOf('.');
    value.setSelectionRange(0, dot > 0 ? dot : name.length);
  }
  return new Promise((resolve) => {
    const answered = () => {
      if (dialog.returnValue !== 'yes') resolve(null);
      else resolve(name === undefined ? true : value.value);
    };
    dialog.addEventListener('close', answered, { once: true });
  });
}

// Enter in the field says yes: the first button of the form would cancel.
at('question-value').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter') return;
  event.preventDefault();
  at('question-yes').click();
});

let pictures = [];
let shown = 0;

function show(index) {
  shown = (index + pictures.length) % pictures.length;
  const { name, address } = pictures[shown];
  at('preview-picture').src = address;
  at('preview-picture').alt = name;
  at('preview-name').textContent = name;
}

// Shows the picture `name` of these, each with a name and an address.
export function preview(all, name) {
  pictures = all;
  show(all.findIndex((picture) => picture.name === name));
  at('previous').hidden = at('next').hidden = all.length < 2;
  at('preview').showModal();
}

at('previous').addEventListener('click', () => show(shown - 1));
at('next').addEventListener('click', () => show(shown + 1));
at('preview').addEventListener('keydown', ({ key }) => {
  if (key === 'ArrowLeft') show(shown - 1);
  if (key === 'ArrowRight') show(shown + 1);
});
at('preview').addEventListener('close', () => at('preview-picture').removeAttribute('src'));
