import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions } from './boot-entry.ts';
import { readExtlinux } from './extlinux.ts';
import { readGrub } from './grub.ts';
import { readLoaderEntry } from './loader-entry.ts';

describe('readExtlinux', () => {
  const text = `## A comment
default l1
menu title U-Boot menu
prompt 0
timeout 50

label l0
	menu label Old
	linux /boot/vmlinux-6.1
	append root=/dev/old

label l1
	menu label New
	linux /boot/vmlinux-6.12
	initrd /boot/initrd.img-6.12,second
	fdtdir /usr/lib/linux-image/
	append root=UUID=1234 ro quiet
`;

  it('takes the default label', () => {
    expect(readExtlinux(text, '/boot/extlinux')).toEqual({
      kernel: '/boot/vmlinux-6.12',
      initrds: ['/boot/initrd.img-6.12', '/boot/extlinux/second'],
      words: 'root=UUID=1234 ro quiet',
    });
  });

  it.each([
    ['the first one without a default', text.replace('default l1', '')],
    ['the first one where the default is not there', text.replace('default l1', 'default l7')],
  ])('takes %s', (_, changed) => {
    expect(readExtlinux(changed, '/')?.kernel).toBe('/boot/vmlinux-6.1');
  });

  it('reads capital letters, and kernels from the directory on', () => {
    expect(readExtlinux('DEFAULT a\nLABEL a\n  KERNEL ../Image\n', '/extlinux')).toEqual({
      kernel: '/extlinux/../Image',
      initrds: [],
      words: '',
    });
  });

  it('finds nothing in labels without a kernel', () => {
    expect(readExtlinux('default x\nlabel x\n  localboot 1\n', '/')).toBeUndefined();
  });
});

describe('readLoaderEntry', () => {
  it('reads an entry', () => {
    const text = `title Fedora Linux
version 6.11.4-301.fc41.riscv64
linux /vmlinuz-6.11.4
initrd /initramfs-6.11.4.img $tuned_initrd
options root=UUID=1 ro
options quiet $tuned_params
`;
    expect(readLoaderEntry(text)).toEqual({
      kernel: '/vmlinuz-6.11.4',
      initrds: ['/initramfs-6.11.4.img'],
      words: 'root=UUID=1 ro quiet',
      version: '6.11.4-301.fc41.riscv64',
    });
  });

  it('leaves out entries for other programs', () => {
    expect(readLoaderEntry('title UEFI shell\nefi /shell.efi\n')).toBeUndefined();
  });
});

describe('readGrub', () => {
  const menu = (choice: string) => `# It begins with conditions.
if [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
else
   ${choice}
fi
if [ x"\${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi
function load_video {
  if [ x$feature_all_video_module = xy ]; then insmod all_video; else insmod vga; fi
}
set linux_gfx_mode=
menuentry 'Debian GNU/Linux' --class debian --class os $menuentry_id_option 'simple' {
	load_video
	insmod gzio
	if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
	search --no-floppy --fs-uuid --set=root 1-2-3
	echo	'Loading Linux 6.12 ...'
	linux	/boot/vmlinux-6.12 root=UUID=1-2-3 ro  quiet "a b" \${nothing}
	initrd	/boot/initrd.img-6.12 /boot/more.img
}
submenu 'Advanced options' $menuentry_id_option 'advanced' {
	menuentry 'With Linux 6.12' $menuentry_id_option 'six-twelve' {
		linux ($root)/boot/vmlinux-6.12 root=/dev/vda1 single
	}
	menuentry 'With Linux 6.1' $menuentry_id_option 'six-one' {
		linux (hd0,gpt1)/boot/vmlinux-6.1 \\
		  root=/dev/vda1 \\
		  it\\'s
	}
}
menuentry 'Firmware' { fwsetup }
`;

  it('takes the first entry', () => {
    expect(readGrub(menu('set default="0"'))).toEqual({
      kernel: '/boot/vmlinux-6.12',
      initrds: ['/boot/initrd.img-6.12', '/boot/more.img'],
      words: 'root=UUID=1-2-3 ro quiet a b ',
    });
  });

  it.each([
    ['1>1', '/boot/vmlinux-6.1'],
    ['advanced>six-one', '/boot/vmlinux-6.1'],
    ['Advanced options>With Linux 6.12', '/boot/vmlinux-6.12'],
    ['no such entry', '/boot/vmlinux-6.12'],
    ['2', '/boot/vmlinux-6.12'],
  ])('takes the entry %s', (choice, kernel) => {
    expect(readGrub(menu(`set default="${choice}"`))?.kernel).toBe(kernel);
  });

  it('takes words on several lines', () => {
    expect(readGrub(menu('set default="1>1"'))?.words).toBe("root=/dev/vda1 it's");
  });

  it('finds nothing in a menu without Linux', () => {
    expect(readGrub("menuentry 'x' {\n chainloader /efi\n}\n")).toBeUndefined();
  });

  it('takes any text', () => {
    const pieces = fc.constantFrom(
      "'",
      '"',
      '{',
      '}',
      '\\',
      '$',
      '${',
      ';',
      '\n',
      ' ',
      '#',
      'set a=',
      'menuentry ',
      'linux x',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 4 })), { maxLength: 60 }), (parts) => {
        readGrub(parts.join(''));
        readExtlinux(parts.join(''), '/');
        readLoaderEntry(parts.join(''));
      }),
    );
  });

  it('reads the longest file in no time to speak of', () => {
    for (const piece of ["'", '"', '\\', '$', '${', 'a', '{', ' ', 'set x="$x$x"\n']) {
      readGrub(piece.repeat(Math.floor(2 ** 20 / piece.length)));
    }
  });
});

describe('compareVersions', () => {
  it('compares numbers as numbers', () => {
    const versions = ['6.12.107+deb13-riscv64', '6.9.0', '6.12.9', '6.12'];
    expect(versions.sort(compareVersions)).toEqual(['6.9.0', '6.12', '6.12.9', '6.12.107+deb13-riscv64']);
  });
});
