// The button asks /orders without leaving the page. Without this script it is a plain link to the same answer.
const form = document.querySelector('#call');
const button = form.querySelector('button');
const answer = document.querySelector('#answer');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  button.disabled = true;
  const started = performance.now();
  try {
    const response = await fetch(form.action, { headers: { accept: 'application/json' } });
    const milliseconds = Math.round(performance.now() - started);
    show(response.ok, `${response.status}`, `${milliseconds} ms`, JSON.stringify(await response.json(), null, 2));
  } catch {
    show(false, 'No answer', '', 'The application can not be reached.');
  } finally {
    button.disabled = false;
    button.focus();
  }
});

function show(good, status, note, text) {
  answer.replaceChildren(
    element('p', '', element('b', `status ${good ? 'good' : 'bad'}`, status), ` ${note}`),
    element('pre', '', element('code', '', text)),
  );
}

function element(name, className, ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children);
  return node;
}
