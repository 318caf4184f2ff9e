/** Whether the work of one run is paused; whoever must not begin meanwhile waits here. */
export class PauseSwitch {
  #isOn = false;
  #wasSet = false;
  #waiting: (() => void)[] = [];

  get isOn(): boolean {
    return this.#isOn;
  }

  /** What was kept from an earlier process; of no effect once somebody has set it in this one. */
  recall(isOn: boolean): void {
    if (!this.#wasSet) this.#isOn = isOn;
  }

  set(isOn: boolean): void {
    this.#wasSet = true;
    this.#isOn = isOn;
    if (isOn) return;
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  /** Resolves when it is off. Rejects with the reason of the signal. */
  async untilOff(signal: AbortSignal): Promise<void> {
    while (this.#isOn) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener(
          'abort',
          () => {
            resolve();
          },
          { once: true },
        );
      });
    }
    signal.throwIfAborted();
  }
}
