import type { View } from '../view.ts';

/** How protocols go wrong, step by step. */
export const explainView: View = {
  id: 'explain',
  title: 'Counterexamples',
  async mount(container, { machine, openView }) {
    const { mountExplain } = await import('./mount.ts');
    return mountExplain(container, {
      onRun: (protocol) => {
        // The page tells what comes of it.
        machine.restart({ protocol }).catch(() => undefined);
        openView('timeline');
      },
    });
  },
};
