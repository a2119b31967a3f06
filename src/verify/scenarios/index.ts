/** The scenarios that come with hartvisor. A new one needs its file and a line here. */
import type { Scenario } from '../scenario.ts';
import allTogether from './all-together.ts';
import busyGuest from './busy-guest.ts';
import entrySyncBusy from './entry-sync-busy.ts';
import forcedExits from './forced-exits.ts';
import ipiAfterRound from './ipi-after-round.ts';
import ipisForever from './ipis-forever.ts';
import lateSync from './late-sync.ts';
import line from './line.ts';
import lineAcknowledged from './line-acknowledged.ts';
import lineAndIpi from './line-and-ipi.ts';
import lineBusy from './line-busy.ts';
import mail from './mail.ts';
import migration from './migration.ts';
import mutualFences from './mutual-fences.ts';
import oneIpi from './one-ipi.ts';
import oneMail from './one-mail.ts';
import preemptibleFlush from './preemptible-flush.ts';
import remoteFence from './remote-fence.ts';
import remoteFenceBusy from './remote-fence-busy.ts';
import remoteFenceMigration from './remote-fence-migration.ts';
import remoteFencePatience from './remote-fence-patience.ts';
import requests from './requests.ts';
import restored from './restored.ts';
import saveBeforeSync from './save-before-sync.ts';
import secondWord from './second-word.ts';
import secondWordEdge from './second-word-edge.ts';
import selfIpi from './self-ipi.ts';
import sharedLine from './shared-line.ts';
import sleeper from './sleeper.ts';
import sleeperLimit from './sleeper-limit.ts';
import sleeperLine from './sleeper-line.ts';
import sleeperTwoSenders from './sleeper-two-senders.ts';
import storedSharedLine from './stored-shared-line.ts';
import storedTimer from './stored-timer.ts';
import threeSenders from './three-senders.ts';
import timer from './timer.ts';
import timerAndIpi from './timer-and-ipi.ts';
import twoEdges from './two-edges.ts';
import twoIpis from './two-ipis.ts';
import twoPcpus from './two-pcpus.ts';
import twoSenders from './two-senders.ts';
import unsetAsWritten from './unset-as-written.ts';
import unsetWithoutKick from './unset-without-kick.ts';

/** In the order of reports: small ones first in each group. */
export const SCENARIOS: readonly Scenario[] = [
  ipiAfterRound,
  oneIpi,
  twoIpis,
  twoSenders,
  ipisForever,
  forcedExits,
  busyGuest,
  selfIpi,
  mail,
  migration,
  timer,
  timerAndIpi,
  line,
  lineBusy,
  lineAcknowledged,
  lineAndIpi,
  sharedLine,
  twoEdges,
  secondWord,
  requests,
  restored,
  entrySyncBusy,
  remoteFence,
  remoteFenceBusy,
  remoteFencePatience,
  remoteFenceMigration,
  mutualFences,
  sleeper,
  sleeperTwoSenders,
  sleeperLine,
  sleeperLimit,
  twoPcpus,
  threeSenders,
  lateSync,
  preemptibleFlush,
  saveBeforeSync,
  unsetWithoutKick,
  unsetAsWritten,
  storedTimer,
  storedSharedLine,
  secondWordEdge,
  oneMail,
  allTogether,
];

/** The scenarios of a group. */
export function scenariosIn(group: Scenario['group']): readonly Scenario[] {
  return SCENARIOS.filter((scenario) => scenario.group === group);
}
