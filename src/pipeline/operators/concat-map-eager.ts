import { Observable, type ObservableInput, type OperatorFunction, Subscription, from } from 'rxjs';

interface Inner<Out> {
  /** Values that came before its turn. */
  readonly early: Out[];
  readonly work: Subscription;
  done: boolean;
}

/**
 * Like `concatMap`, but up to `ahead` inner observables run at once: values of one whose turn has not come wait, so the order
 * stays. It is how the next text chunk is encoded while the one before it is still being decoded.
 *
 * @param ahead - How many inner observables may run at once, at least 1.
 */
export const concatMapEager =
  <In, Out>(project: (value: In) => ObservableInput<Out>, ahead: number): OperatorFunction<In, Out> =>
  (source) =>
    new Observable((subscriber) => {
      const waiting: In[] = [];
      const running: Inner<Out>[] = [];
      let sourceDone = false;

      const start = (value: In): void => {
        const inner: Inner<Out> = { early: [], work: new Subscription(), done: false };
        running.push(inner);
        inner.work.add(
          from(project(value)).subscribe({
            next: (out) => (running[0] === inner ? subscriber.next(out) : inner.early.push(out)),
            error: (error: unknown) => subscriber.error(error),
            complete: () => {
              inner.done = true;
              if (running[0] === inner) advance();
            },
          }),
        );
      };
      const advance = (): void => {
        while (running[0]?.done) {
          running.shift();
          for (const out of running[0]?.early.splice(0) ?? []) subscriber.next(out);
          if (waiting.length > 0) start(waiting.shift() as In);
        }
        if (sourceDone && running.length === 0) subscriber.complete();
      };

      subscriber.add(
        source.subscribe({
          next: (value) => (running.length < ahead ? start(value) : waiting.push(value)),
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            sourceDone = true;
            advance();
          },
        }),
      );
      return () => {
        for (const { work } of running) work.unsubscribe();
      };
    });
