const RETRY_AFTER_MS = 1000;

interface LiveEvents {
  /** Something may have changed; also called after every reconnection, which may have missed some. */
  readonly onChange: () => void;
  readonly onConnection: (connected: boolean) => void;
}

/** Listens for changes for as long as the page is open, and comes back after a lost connection. */
export function listenForChanges(events: LiveEvents): void {
  const address = new URL('/_sandbox/events', location.href);
  address.protocol = 'ws:';
  const socket = new WebSocket(address);
  socket.addEventListener('open', () => {
    events.onConnection(true);
    events.onChange();
  });
  socket.addEventListener('message', events.onChange);
  // A failed connection also ends in `close`, so this is the one place that tries again.
  socket.addEventListener('close', () => {
    events.onConnection(false);
    setTimeout(() => listenForChanges(events), RETRY_AFTER_MS);
  });
}
