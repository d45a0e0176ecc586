/** So many calls at once, each with a token of its own, from a process of their own. Tells each status as it comes. */
const [url, count] = process.argv.slice(2);

async function call(_, index) {
  const response = await fetch(url, { headers: { authorization: `Bearer token-${index}` } });
  await response.arrayBuffer();
  process.send(response.status);
}

await Promise.all(Array.from({ length: Number(count) }, call));
process.disconnect();
