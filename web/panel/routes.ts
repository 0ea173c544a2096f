// Every page of the panel, in one table.
import type { Component } from 'svelte';
import type { Role } from './base/rights';
import { matchPath, type Params } from './base/route';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- pages have different parameters
type Page = Component<any>;

export interface Route {
  path: string;
  page: () => Promise<{ default: Page }>;
  open?: boolean; // shown without being signed in
  owner?: boolean; // for the server's owner only
  needs?: Role; // in the instance's account, else in the one that is looked at; who has less is told so in the page's place
  frame?: 'instance'; // inside the menu of one instance
}

export const routes: Route[] = [
  { path: '/welcome', page: () => import('./account/WelcomePage.svelte'), open: true },
  { path: '/invitation', page: () => import('./account/AcceptPage.svelte'), open: true },
  { path: '/sign-in', page: () => import('./account/SignInPage.svelte'), open: true },
  { path: '/sign-in/:provider', page: () => import('./account/ProviderPage.svelte'), open: true },
  { path: '/sign-up', page: () => import('./account/JoinPage.svelte'), open: true },
  { path: '/enter', page: () => import('./account/EnterPage.svelte'), open: true },
  { path: '/forgot', page: () => import('./account/ForgotPage.svelte'), open: true },
  { path: '/reset', page: () => import('./account/ResetPage.svelte'), open: true },
  { path: '/team', page: () => import('./team/TeamPage.svelte') },
  { path: '/join-team', page: () => import('./team/JoinTeamPage.svelte'), open: true },
  { path: '/account/audit', needs: 'viewer', page: () => import('./audit/AuditPage.svelte') },
  { path: '/account', page: () => import('./account/AccountPage.svelte') },
  { path: '/', page: () => import('./instances/InstancesPage.svelte') },
  { path: '/instances', page: () => import('./instances/InstancesPage.svelte') },
  { path: '/instances/new', needs: 'member', page: () => import('./instances/CreatePage.svelte') },
  { path: '/instances/:id', page: () => import('./details/DetailsPage.svelte'), frame: 'instance' },
  { path: '/instances/:id/users', needs: 'viewer', page: () => import('./users/UsersPage.svelte'), frame: 'instance' },
  { path: '/instances/:id/users/:user', needs: 'viewer', page: () => import('./users/UserPage.svelte'), frame: 'instance' },
  { path: '/instances/:id/logins', needs: 'viewer', page: () => import('./logins/LoginsPage.svelte'), frame: 'instance' },
  { path: '/instances/:id/addresses', needs: 'viewer', page: () => import('./addresses/AddressesPage.svelte'), frame: 'instance' },
  { path: '/instances/:id/import', needs: 'member', page: () => import('./users/ImportPage.svelte'), frame: 'instance' },
  { path: '/instances/:id/client', needs: 'viewer', page: () => import('./webclient/ClientPage.svelte'), frame: 'instance' },
  { path: '/instances/:id/history', needs: 'viewer', page: () => import('./history/HistoryPage.svelte'), frame: 'instance' },
  { path: '/instances/:id/hooks', needs: 'viewer', page: () => import('./hooks/HooksPage.svelte'), frame: 'instance' },
  { path: '/instances/:id/bridges', needs: 'viewer', page: () => import('./bridges/BridgesPage.svelte'), frame: 'instance' },
  {
    path: '/instances/:id/connections',
    needs: 'viewer',
    page: () => import('./connections/ConnectionsPage.svelte'),
    frame: 'instance',
  },
  { path: '/instances/:id/topics', needs: 'viewer', page: () => import('./topics/TopicsPage.svelte'), frame: 'instance' },
  { path: '/instances/:id/retained', needs: 'viewer', page: () => import('./retained/RetainedPage.svelte'), frame: 'instance' },
  { path: '/instances/:id/why', needs: 'viewer', page: () => import('./why/WhyPage.svelte'), frame: 'instance' },
  { path: '/instances/:id/log', needs: 'viewer', page: () => import('./log/InstanceLogPage.svelte'), frame: 'instance' },
  {
    path: '/instances/:id/statistics',
    needs: 'viewer',
    page: () => import('./statistics/StatisticsPage.svelte'),
    frame: 'instance',
  },
  { path: '/flow-servers/:id/open', page: () => import('./flows/OpenPage.svelte') },
  { path: '/flow-servers/:id/meter', page: () => import('./flows/MeterPage.svelte') },
  { path: '/devices', needs: 'viewer', page: () => import('./devices/DevicesPage.svelte') },
  { path: '/devices/:id', page: () => import('./devices/DevicePage.svelte') },
  { path: '/devices/:id/meter', page: () => import('./flows/MeterPage.svelte') },
  { path: '/devices/:id/open', page: () => import('./devices/OpenPage.svelte') },
  { path: '/devices/:id/pages', page: () => import('./devices/VisitPage.svelte') },
  { path: '/flows', page: () => import('./flows/FlowsPage.svelte') },
  { path: '/accounts', page: () => import('./operator/AccountsPage.svelte'), owner: true },
  { path: '/accounts/:id', page: () => import('./operator/AccountPage.svelte'), owner: true },
  { path: '/invitations', page: () => import('./invitations/InvitationsPage.svelte'), owner: true },
  { path: '/certificates', page: () => import('./certificates/CertificatesPage.svelte'), owner: true },
  { path: '/log', page: () => import('./log/OperatorLogPage.svelte'), owner: true },
];

const notFound: Route = { path: '', page: () => import('./shell/NotFoundPage.svelte'), open: true };

export interface Place {
  route: Route;
  params: Params;
}

/** find gives the page of a path; the not-found page when there is none. */
export function find(path: string): Place {
  for (const route of routes) {
    const params = matchPath(route.path, path);
    if (params) return { route, params };
  }
  return { route: notFound, params: {} };
}
