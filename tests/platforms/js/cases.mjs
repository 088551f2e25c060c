// Runs requests to the suite's guest, each in an instance of its own, in Node
// and on a page alike.

// Compiles each core module of a transpiled component once.
export function compiled(load) {
  const modules = new Map();
  return (name) => {
    if (!modules.has(name)) modules.set(name, load(name));
    return modules.get(name);
  };
}

// `instantiate` is that of the transpiled component; `imports` makes those of
// one instance from its arguments. Gives each request with the error that it
// ended with, if any, to `report`.
export async function runAll({ instantiate, getCoreModule, imports, requests, report }) {
  for (const request of requests) {
    try {
      const { run } = await instantiate(getCoreModule, imports(['suite-guest', ...request.split(' ')]));
      run.run();
      report({ request });
    } catch (error) {
      report({ request, error: String(error?.stack ?? error?.message ?? error) });
    }
  }
}
