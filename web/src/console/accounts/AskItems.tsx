/** What can be asked about an account, as the items of a menu. */
import { Menu } from '@mantine/core';
import { Link } from 'react-router-dom';
import * as icons from '../../icons';
import { Icon } from '../parts/Icon';
import { askAddress, quickTasks } from './tasks';

export function AskItems({ slug }: { slug: string }) {
  return (
    <>
      <Menu.Item
        component={Link}
        to={askAddress(slug)}
        leftSection={<Icon path={icons.compass} size={16} />}
      >
        Ask about it…
      </Menu.Item>
      <Menu.Divider />
      {quickTasks.map((quick) => (
        <Menu.Item
          key={quick.task}
          component={Link}
          to={askAddress(slug, quick.task)}
          leftSection={<Icon path={quick.icon} size={16} />}
        >
          {quick.label}
        </Menu.Item>
      ))}
    </>
  );
}
