// The page shows all without this. With it, what has changed is put in place without loading the page again.
'use strict';
(function () {
  let waiting = false, again = false;
  async function refresh() {
    if (waiting) { again = true; return; }
    waiting = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        document.querySelector('main').replaceWith(document.adoptNode(page.querySelector('main')));
        document.title = page.title;
      }
    } catch (e) { /* the server is away: the stream connects again, and then this is called */ }
    waiting = false;
    if (again) { again = false; setTimeout(refresh, 500); }
  }
  const stream = new EventSource('/events');
  stream.addEventListener('state', refresh);
  stream.addEventListener('open', refresh);
})();
