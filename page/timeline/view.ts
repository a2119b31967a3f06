import type { View } from '../view.ts';

/** The timeline of the page's machine. */
export const timelineView: View = {
  id: 'timeline',
  title: 'Timeline',
  async mount(container, { machine, announce }) {
    const { mountTimeline } = await import('./mount.ts');
    const view = mountTimeline(container, { open: () => machine.vm?.moments(), announce });
    let shown = machine.vm;
    const letGo = machine.onChange(() => {
      if (machine.vm === shown) return;
      shown = machine.vm;
      // The past of a machine stays to be looked at when it has ended.
      if (shown !== undefined) view.reopen();
    });
    return {
      setVisible: (isVisible) => view.setVisible(isVisible),
      dispose: () => {
        letGo();
        view.dispose();
      },
    };
  },
};
