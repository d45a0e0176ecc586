// The provider's sign-out page has nothing to ask: send its form at once.
const button = document.querySelector('button[name="logout"]');
button.form.requestSubmit(button);
