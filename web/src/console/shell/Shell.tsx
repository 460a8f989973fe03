/** The frame of the console: navigation beside the page, or below it on a narrow screen. */
import { ActionIcon, Menu, Tooltip, useMantineColorScheme } from '@mantine/core';
import { Suspense, useEffect, useRef } from 'react';
import { Link, NavLink, Outlet, useLocation } from 'react-router-dom';
import * as icons from '../../icons';
import { useLiveState } from '../api/live';
import { useWaitingCount } from '../api/queries';
import { Icon } from '../parts/Icon';
import { Bones, Face } from '../parts/parts';
import { plain } from '../parts/words';
import { PageGuard } from './PageGuard';
import { useSession } from './session';
import css from './shell.module.css';

interface Place {
  to: string;
  label: string;
  short: string;
  icon: string;
  /** On a narrow screen it is found under “More”. */
  later?: boolean;
}
const places: Place[] = [
  { to: '/conversations', label: 'Conversations', short: 'Inbox', icon: icons.chat },
  { to: '/success', label: 'Ask', short: 'Ask', icon: icons.compass },
  { to: '/accounts', label: 'Portfolio', short: 'Portfolio', icon: icons.briefcase },
  { to: '/agents', label: 'Agents', short: 'Agents', icon: icons.spark },
  { to: '/knowledge', label: 'Knowledge', short: 'Knowledge', icon: icons.book, later: true },
  { to: '/records', label: 'Records', short: 'Records', icon: icons.table, later: true },
  { to: '/events', label: 'Events', short: 'Events', icon: icons.pulse, later: true },
  { to: '/evals', label: 'Evals', short: 'Evals', icon: icons.checklist, later: true },
  { to: '/settings', label: 'Settings', short: 'Settings', icon: icons.gear, later: true },
];

export function Shell() {
  const { org } = useSession();
  const waiting = useWaitingCount();
  const { pathname } = useLocation();
  useFocusAfterMove(pathname);
  return (
    <div className={css.shell} data-deep={/^\/conversations\/./.test(pathname) || undefined}>
      <a href="#page" className={css.skip}>
        Skip to the page
      </a>
      <nav className={css.nav} aria-label="Console">
        <div className={css.org} title={org.name}>
          <img src="/favicon.svg" alt="" width={24} height={24} />
          <span>{org.name}</span>
        </div>
        <ul>
          {places.map((place) => (
            <li key={place.to} data-later={place.later}>
              <NavLink to={place.to} className={css.place ?? ''}>
                <Icon path={place.icon} size={18} />
                <span className={css.long}>{place.label}</span>
                <span className={css.short}>{place.short}</span>
                {place.to === '/conversations' && waiting > 0 && (
                  <span className={css.count} aria-label={`${waiting} waiting for a person`}>
                    {waiting}
                  </span>
                )}
              </NavLink>
            </li>
          ))}
          <li className={css.more}>
            <MorePlaces />
          </li>
        </ul>
        <div className={css.bottom}>
          <LiveMark />
          <MemberMenu />
        </div>
      </nav>
      <main id="page" className={css.main} tabIndex={-1}>
        <PageGuard key={pathname.split('/')[1] ?? ''}>
          <Suspense fallback={<Bones lines={8} />}>
            <Outlet />
          </Suspense>
        </PageGuard>
      </main>
    </div>
  );
}

function MorePlaces() {
  const { pathname } = useLocation();
  const later = places.filter((place) => place.later);
  const here = later.some((place) => pathname.startsWith(place.to));
  return (
    <Menu position="top-end" width={210}>
      <Menu.Target>
        <button type="button" className={css.place} data-here={here || undefined}>
          <Icon path={icons.more} size={18} />
          <span className={css.short}>More</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {later.map((place) => (
          <Menu.Item
            key={place.to}
            component={Link}
            to={place.to}
            leftSection={<Icon path={place.icon} size={16} />}
          >
            {place.label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** When what had the focus is gone after a change of page, the new page has it; not the first one. */
function useFocusAfterMove(pathname: string): void {
  const before = useRef(pathname);
  useEffect(() => {
    const from = before.current;
    before.current = pathname;
    if (from === pathname || from === '/') return;
    const active = document.activeElement;
    const lost = !active || active === document.body || active.getClientRects().length === 0;
    if (lost) document.getElementById('page')?.focus({ preventScroll: true });
  }, [pathname]);
}

function LiveMark() {
  const state = useLiveState();
  const words = { live: 'Live', connecting: 'Connecting…', away: 'Reconnecting…' }[state];
  return (
    <div className={css.live} data-state={state} role="status">
      <i aria-hidden="true" />
      <span>{words}</span>
    </div>
  );
}

export function MemberMenu() {
  const { member, org, leave } = useSession();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const schemes = [
    { value: 'light' as const, label: 'Light', icon: icons.sun },
    { value: 'dark' as const, label: 'Dark', icon: icons.moon },
    { value: 'auto' as const, label: 'Like the system', icon: icons.contrast },
  ];
  return (
    <Menu position="top-start" width={230}>
      <Menu.Target>
        <button type="button" className={css.me}>
          <Face name={member.name} tone="human" size={28} />
          <span>
            <strong>{member.name}</strong>
            <em>{member.roles.map(plain).join(', ')}</em>
          </span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {member.email}
          <br />
          {org.name}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Label>Appearance</Menu.Label>
        {schemes.map((scheme) => (
          <Menu.Item
            key={scheme.value}
            leftSection={<Icon path={scheme.icon} size={16} />}
            rightSection={
              colorScheme === scheme.value ? <Icon path={icons.check} size={16} /> : null
            }
            onClick={() => setColorScheme(scheme.value)}
          >
            {scheme.label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item
          leftSection={<Icon path={icons.signOut} size={16} />}
          onClick={() => void leave()}
        >
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** A button that is only an icon, with its name as label and tooltip. */
export function IconButton(props: {
  label: string;
  icon: string;
  onClick: () => void;
  active?: boolean;
  disabled?: boolean;
  className?: string | undefined;
}) {
  return (
    <Tooltip label={props.label}>
      <ActionIcon
        aria-label={props.label}
        aria-pressed={props.active}
        onClick={props.onClick}
        disabled={props.disabled ?? false}
        className={props.className ?? ''}
        variant={props.active ? 'light' : 'subtle'}
      >
        <Icon path={props.icon} size={18} />
      </ActionIcon>
    </Tooltip>
  );
}
