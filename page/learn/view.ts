import type { View } from '../view.ts';

/** The question of the mail thread, in lessons. */
export const learnView: View = {
  id: 'learn',
  title: 'Learn',
  async mount(container) {
    const { mountLearn } = await import('./mount.ts');
    return mountLearn(container);
  },
};
