/** Requests of a browser that does what it is told and keeps its cookies, at the least cost. */

/** @returns where its answer leads, and the cookies of it, for a request header */
export async function visit(pool, path, { method = 'GET', cookie, status } = {}) {
  const answer = await pool.request({ path, method, headers: cookie === undefined ? {} : { cookie } });
  await answer.body.dump();
  if (status !== undefined && answer.statusCode !== status)
    throw new Error(`${method} ${path} answered ${answer.statusCode}`);
  const cookies = [answer.headers['set-cookie'] ?? []]
    .flat()
    .filter((line) => !/max-age=0/i.test(line))
    .map((line) => line.split(';', 1)[0]);
  return { location: answer.headers.location, cookie: cookies.join('; ') };
}

/** A whole login. @returns the cookies of the session */
export async function logIn(application, provider) {
  const start = await visit(application, '/auth/login');
  const there = new URL(start.location);
  const back = await visit(provider, there.pathname + there.search);
  const callback = new URL(back.location);
  const end = await visit(application, callback.pathname + callback.search, { cookie: start.cookie, status: 303 });
  return end.cookie;
}
