// The service's requests. A path is a list of names, from the root.

const encoded = (path) => path.map(encodeURIComponent).join('/');

export const address = (path) => `files/${encoded(path)}`;

async function request(method, url) {
  const response = await fetch(url, { method });
  if (response.ok) return response;
  throw new Error((await response.text()).trim() || `the service answered ${response.status}`);
}

export const list = async (path) => (await request('GET', `list/${encoded(path)}`)).json();

export const remove = (path) => request('DELETE', address(path));

export const makeDirectory = (path) => request('PUT', `directories/${encoded(path)}`);

export const move = (from, to) => request('POST', `move/${encoded(from)}?to=${encoded(to)}`);

export const changes = (path) => new EventSource(`changes/${encoded(path)}`);

// Sends a file; `progress` is told how much of it is sent, from 0 to 1. The
// promise is settled with `taken` when the name is taken and `replace` is not
// set, else with `done`. XMLHttpRequest, as fetch tells nothing of its progress.
export function upload(path, file, { replace, progress, signal }) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 1);
    sending.onload = () => {
      if (sending.status < 300) resolve('done');
      else if (sending.status === 412) resolve('taken');
      else reject(new Error(sending.responseText.trim() || `the service answered ${sending.status}`));
    };
    sending.onerror = () => reject(new Error('the connection was lost'));
    sending.onabort = () => reject(new Error('cancelled'));
    signal.addEventListener('abort', () => sending.abort());
    sending.open('PUT', address(path));
    if (!replace) sending.setRequestHeader('if-none-match', '*');
    sending.send(file);
  });
}
