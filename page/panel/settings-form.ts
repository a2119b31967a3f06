import { element } from '../dom.ts';
import {
  DOMAIN_AIA,
  MEMORY_SIZES,
  MOST_CPUS,
  NETWORK_FORMS,
  PROTOCOL_NAMES,
  parseNetwork,
  type Settings,
  sameSettings,
} from '../machine/settings.ts';

/** Explanations of the protocols, for people who do not know their names. */
const PROTOCOL_TEXTS: Readonly<Record<string, string>> = {
  'take-mirror': 'ours: nothing is lost',
  published: 'KVM until July 2026',
  xen: "Xen's tree of 2026",
  'kvm-spinlock': 'KVM since July 2026',
};
const AIA_TEXTS: Readonly<Record<string, string>> = { none: 'PLIC', 'aplic-imsic': 'APLIC and IMSICs' };

/** The form by which a machine is chosen. */
export class SettingsForm {
  readonly root: HTMLFormElement;
  readonly #cpus: HTMLInputElement;
  readonly #threads: HTMLInputElement;
  readonly #memory: HTMLSelectElement;
  readonly #protocol: HTMLSelectElement;
  readonly #aia: HTMLSelectElement;
  readonly #network: HTMLInputElement;
  readonly #disk: HTMLInputElement;
  readonly #apply: HTMLButtonElement;
  #current: Settings;

  /** @param onApply the person wants a machine with these settings */
  constructor(settings: Settings, onApply: (settings: Settings) => void) {
    this.#current = settings;
    this.#cpus = numberInput(1, MOST_CPUS);
    this.#threads = numberInput(1, MOST_CPUS);
    this.#threads.placeholder = 'automatic';
    const sizes = [...new Set([...MEMORY_SIZES, settings.memoryMiB])].sort((one, other) => one - other);
    this.#memory = select(
      sizes.map((size) => [String(size), size < 1024 ? `${size} MiB` : `${size / 1024} GiB`]),
    );
    this.#protocol = select(PROTOCOL_NAMES.map((name) => [name, withText(name, PROTOCOL_TEXTS[name])]));
    this.#aia = select(DOMAIN_AIA.map((name) => [name, AIA_TEXTS[name] ?? name]));
    this.#network = element('input', {
      ...{ placeholder: 'none', spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off' },
      'aria-description': `none, ${NETWORK_FORMS}`,
    });
    this.#disk = element('input', { type: 'checkbox' });
    this.#apply = element(
      'button',
      { type: 'submit', class: 'button button-primary' },
      'Start anew with these',
    );
    this.root = element(
      'form',
      {
        onsubmit: (event: SubmitEvent) => {
          event.preventDefault();
          onApply(this.value);
        },
        oninput: () => this.#showChange(),
      },
      element('h2', {}, 'Machine'),
      element(
        'div',
        { class: 'fields' },
        field('vCPUs', this.#cpus),
        field('Threads for them', this.#threads),
        field('Memory', this.#memory),
        field('Interrupt controller', this.#aia),
        field('Protocol for pending interrupts', this.#protocol, 'wide'),
        field('Network', this.#network, 'wide'),
      ),
      element('p', { class: 'note' }, `Network: none, ${NETWORK_FORMS}`),
      element('label', { class: 'check' }, this.#disk, 'A disk that this browser keeps'),
      element('div', { class: 'row' }, this.#apply),
    );
    this.show(settings);
  }

  get value(): Settings {
    const count = (input: HTMLInputElement, usual: number) =>
      input.value === '' ? usual : Math.min(Math.max(Math.trunc(input.valueAsNumber), 1), MOST_CPUS);
    return {
      cpus: count(this.#cpus, this.#current.cpus),
      threads: count(this.#threads, 0),
      memoryMiB: Number(this.#memory.value),
      protocol: this.#protocol.value,
      aia: DOMAIN_AIA.find((name) => name === this.#aia.value) ?? 'none',
      disk: this.#disk.checked,
      network: parseNetwork(this.#network.value) ?? this.#current.network,
    };
  }

  /** Shows the settings of the machine that there is. */
  show(settings: Settings): void {
    this.#current = settings;
    this.#cpus.value = String(settings.cpus);
    this.#threads.value = settings.threads === 0 ? '' : String(settings.threads);
    this.#memory.value = String(settings.memoryMiB);
    this.#protocol.value = settings.protocol;
    this.#aia.value = settings.aia;
    this.#disk.checked = settings.disk;
    this.#network.value = settings.network;
    this.#showChange();
  }

  #showChange(): void {
    const isNetwork = parseNetwork(this.#network.value) !== undefined;
    this.#network.setCustomValidity(isNetwork ? '' : `Give none, ${NETWORK_FORMS}.`);
    this.#apply.disabled = sameSettings(this.value, this.#current);
  }
}

/** A label with what it is for. */
export function field(label: string, control: HTMLElement, more = ''): HTMLLabelElement {
  return element('label', { class: `field ${more}`.trim() }, element('span', {}, label), control);
}

function numberInput(least: number, most: number): HTMLInputElement {
  return element('input', { type: 'number', min: least, max: most, step: 1, inputmode: 'numeric' });
}

/** A choice. @param options its values and their texts */
export function select(options: readonly (readonly [value: string, text: string])[]): HTMLSelectElement {
  return element('select', {}, ...options.map(([value, text]) => element('option', { value }, text)));
}

function withText(name: string, text: string | undefined): string {
  return text === undefined ? name : `${name} (${text})`;
}
